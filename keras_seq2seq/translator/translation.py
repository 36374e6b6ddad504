"""The results of a translator."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_seq2seq.decoding import BeamTree, Hypotheses
from keras_seq2seq.special_tokens import END_ID, PADDING_ID
from keras_seq2seq.text.text_encoder import SentenceEncoder
from keras_seq2seq.translator.unk_replacement import UnkReplacement


@dataclass(frozen=True)
class Hypothesis:
    """A translation of a sentence, out of several.

    Attributes:
        text: The translation.
        tokens: Its tokens.
        score: What the search ranked it by: the log-probability in nats, its end included,
            changed by the search's penalties if it has any; `None` if not asked for.
        token_scores: The log-probabilities of its tokens, and at last that of its end: one more
            than there are tokens; `None` if not asked for.
        attention: Floats `(tokens, source_tokens)`: where each token looked, weights on the
            source's end token left out; `None` without attention.
        ids: The ids of its tokens, as the model wrote them: before unknown words were replaced.
    """

    text: str
    tokens: list[str]
    score: float | None
    token_scores: list[float] | None
    attention: np.ndarray | None = None
    ids: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        """The log-probability in nats, without any penalty: that which `Scorer` gives."""
        return math.fsum(self.token_scores)

    @property
    def alignment(self) -> list[int] | None:
        """For each token the position, from 0, of the source token that it looked at most."""
        if self.attention is None:
            return None
        return self.attention.argmax(axis=1).tolist() if self.tokens else []

    def to_dict(self, with_attention: bool = False) -> dict[str, Any]:
        """Returns all that is known, as JSON has it; attention weights only if asked for."""
        record = {
            "text": self.text,
            "tokens": self.tokens,
            "score": self.score,
            "log_probability": self.log_probability,
            "token_scores": self.token_scores,
            "alignment": self.alignment,
        }
        if with_attention:
            record["attention"] = None if self.attention is None else self.attention.tolist()
        return record


@dataclass(frozen=True)
class Translation:
    """A sentence with its translations; those of the best one are its own.

    Attributes:
        source_tokens: The tokens of the source, in the order in which they were written.
        hypotheses: The translations, best first: as many as the search was asked for, or as it
            found. An empty sentence has one, which is empty.
        tree: What the beam search kept at each step: a `BeamTree` of arrays `(steps, width)`,
            or `None` if it was not asked for.
    """

    source_tokens: list[str]
    hypotheses: list[Hypothesis]
    tree: BeamTree | None = None

    @property
    def best(self) -> Hypothesis:
        """The best hypothesis."""
        return self.hypotheses[0]

    @property
    def text(self) -> str:
        """The best translation."""
        return self.best.text

    @property
    def target_tokens(self) -> list[str]:
        """The tokens of the best translation."""
        return self.best.tokens

    @property
    def score(self) -> float | None:
        """The score of the best translation."""
        return self.best.score

    @property
    def attention(self) -> np.ndarray | None:
        """The attention of the best translation."""
        return self.best.attention

    @property
    def alignment(self) -> list[int] | None:
        """The alignment of the best translation."""
        return self.best.alignment

    def to_dict(self, with_attention: bool = False) -> dict[str, Any]:
        """Returns the source and all hypotheses as JSON has them."""
        return {
            "source_tokens": self.source_tokens,
            "hypotheses": [hypothesis.to_dict(with_attention) for hypothesis in self.hypotheses],
        }


class HypothesisReader:
    """Reads the hypotheses of each sentence of a batch.

    Args:
        targets: What the model writes.
        reverse_source: Whether the model has read the sources from their ends.
        unk_replacement: What to write for unknown words instead of `<unk>`.
    """

    def __init__(
        self,
        targets: SentenceEncoder,
        reverse_source: bool,
        unk_replacement: UnkReplacement | None,
    ):
        self._targets = targets
        self._order = -1 if reverse_source else 1
        self._unk_replacement = unk_replacement

    def read(
        self, found: Hypotheses, row: int, source: Sequence[str], prefix: Sequence[str]
    ) -> Iterator[Hypothesis]:
        """Yields the hypotheses of a sentence, best first.

        Args:
            found: What was found for the batch, as NumPy arrays.
            row: The place of the sentence in the batch.
            source: Its tokens.
            prefix: The tokens that its translations had to begin with.
        """
        for rank, ids in enumerate(found.ids[row]):
            if rank and ids[0] == PADDING_ID:
                return  # There are no more.
            (ends,) = np.nonzero((ids == END_ID) | (ids == PADDING_ID))
            length = ends[0] if len(ends) else len(ids)
            tokens = self._targets.vocabulary.to_tokens(ids[:length])
            # As they were given, even where the vocabulary has no word for it.
            tokens[: len(prefix)] = prefix[:length]
            score = token_scores = attention = None
            if found.scores is not None:
                score = float(found.scores[row, rank])
                token_scores = found.token_scores[row, rank, : length + 1].tolist()
            if found.attention_scores is not None:
                attention = found.attention_scores[row, rank, :length, : len(source)]
                # A view would keep the whole batch in memory.
                attention = attention[:, :: self._order].copy()
            if self._unk_replacement:
                tokens = self._unk_replacement(tokens, source, attention)
            yield Hypothesis(
                text=self._targets.tokenizer.join(tokens),
                tokens=tokens,
                score=score,
                token_scores=token_scores,
                attention=attention,
                ids=tuple(ids[:length].tolist()),
            )
