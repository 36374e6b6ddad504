"""Translations and their hypotheses, and checks of the strings to translate."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_seq2seq.beam_tree import BeamTree
from keras_seq2seq.columns import is_table, plain_items
from keras_seq2seq.special_tokens import END_ID, PADDING_ID
from keras_seq2seq.text import TextEncoder
from keras_seq2seq.translator.unk_replacement import UnkReplacement

if TYPE_CHECKING:
    from keras_seq2seq.decoding import Hypotheses


@dataclass(frozen=True)
class Hypothesis:
    """One of the translations of a sentence.

    Attributes:
        text: The translation.
        tokens: Its tokens.
        score: The score that the search ranked it by: the log-probability in nats, including the
            end token, modified by the penalties of the search if there are any. `None` if scores
            were not requested.
        token_scores: The log-probabilities of the tokens and of the end token, so one more than
            there are tokens. `None` if scores were not requested.
        attention: Attention weights, floats of shape `(tokens, source_tokens)`, without those on
            the source's end token. `None` without attention.
        ids: The ids of the tokens before unknown words were replaced.
        truncated: Whether the translation has the maximum length, so that it may be incomplete.
    """

    text: str
    tokens: list[str]
    score: float | None
    token_scores: list[float] | None
    attention: np.ndarray | None = None
    ids: tuple[int, ...] = ()
    truncated: bool = False

    @property
    def log_probability(self) -> float | None:
        """The log-probability in nats without penalties, as returned by `Scorer`.

        `None` if scores were not requested.
        """
        return None if self.token_scores is None else math.fsum(self.token_scores)

    @property
    def alignment(self) -> list[int] | None:
        """The 0-based index of the most attended source token, for each token."""
        if self.attention is None:
            return None
        return self.attention.argmax(axis=1).tolist() if self.tokens else []

    def to_dict(self, with_attention: bool = False) -> dict[str, Any]:
        """Returns everything as JSON values, including attention weights if requested."""
        record = {
            "text": self.text,
            "tokens": self.tokens,
            "score": self.score,
            "log_probability": self.log_probability,
            "token_scores": self.token_scores,
            "alignment": self.alignment,
            "truncated": self.truncated,
        }
        if with_attention:
            record["attention"] = None if self.attention is None else self.attention.tolist()
        return record


@dataclass(frozen=True)
class Translation:
    """The translations of one sentence. The properties are those of the best hypothesis.

    Attributes:
        source_tokens: The tokens of the source, in their original order.
        hypotheses: The translations, best first: as many as the search was configured to return,
            or fewer if it found fewer. An empty sentence has a single, empty one.
        tree: The hypotheses that beam search kept at each step: a `BeamTree` of arrays `(steps,
            width)`, or `None` if it was not requested.
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
        """Returns the source and all hypotheses as JSON values."""
        return {
            "source_tokens": self.source_tokens,
            "hypotheses": [hypothesis.to_dict(with_attention) for hypothesis in self.hypotheses],
        }


class HypothesisReader:
    """Converts the results of a search to hypotheses.

    Args:
        source: The `TextEncoder` of the sources.
        target: The `TextEncoder` of the targets.
        unk_replacement: Replaces `<unk>` in translations, if not `None`.
    """

    def __init__(
        self, source: TextEncoder, target: TextEncoder, unk_replacement: UnkReplacement | None
    ):
        self._target = target
        self._tokenizers = source.tokenizer, target.tokenizer
        self._order = -1 if source.reverse else 1
        self._unk_replacement = unk_replacement

    def read(
        self,
        found: "Hypotheses",
        row: int,
        source: Sequence[str],
        prefix: Sequence[str],
        max_length: int,
    ) -> Iterator[Hypothesis]:
        """Yields the hypotheses of a sentence, best first.

        Args:
            found: The results of the search for a batch, as NumPy arrays.
            row: The row of the sentence in the batch.
            source: The tokens of the sentence.
            prefix: The tokens that the translations were required to begin with.
            max_length: The maximum number of tokens of its translations, the end token included.
        """
        for rank, ids in enumerate(found.ids[row].tolist()):
            if rank and ids[0] == PADDING_ID:
                return  # Fewer than n_best were found.
            ends = (index for index, token in enumerate(ids) if token in (END_ID, PADDING_ID))
            length = next(ends, len(ids))
            tokens = self._target.vocabulary.to_tokens(ids[:length])
            # The prefix is copied, since some of its tokens may not be in the vocabulary.
            tokens[: len(prefix)] = prefix[:length]
            score = token_scores = attention = None
            if found.scores is not None:
                score = float(found.scores[row, rank])
                token_scores = found.token_scores[row, rank, : length + 1].tolist()
            if found.attention_scores is not None:
                attention = found.attention_scores[row, rank, :length, : len(source)]
                # Copy: a view would keep the whole batch in memory.
                attention = attention[:, :: self._order].copy()
            if self._unk_replacement:
                tokens = self._unk_replacement(tokens, source, attention, self._tokenizers)
            yield Hypothesis(
                text=_in_one_line(self._target.tokenizer.detokenize(tokens)),
                tokens=tokens,
                score=score,
                token_scores=token_scores,
                attention=attention,
                ids=tuple(ids[:length]),
                truncated=length + 1 >= max_length,
            )


def _in_one_line(text: str) -> str:
    """Replaces line breaks, which a byte model can generate, with spaces."""
    return text.replace("\n", " ").replace("\r", " ")


def iterate_strings(strings: Iterable[str], name: str) -> Iterator[str]:
    """Yields the strings of an iterable.

    Args:
        strings: The strings, read on demand.
        name: The name of the argument for error messages.

    Raises:
        TypeError: If it is a single string, a table or not iterable, or, once it is reached, if an
            item is not a string.
    """
    if is_table(strings):
        raise TypeError(
            f"`{name}` must be an iterable of strings, such as one column of a table. Received: a "
            f"{type(strings).__name__}"
        )
    is_scalar = isinstance(strings, (str, bytes)) or getattr(strings, "shape", None) == ()
    if is_scalar or not isinstance(strings, Iterable):
        raise TypeError(f"`{name}` must be an iterable of strings. Received: {strings!r:.80}")
    return _checked(plain_items(strings), name)


def _checked(strings: Iterable[str], name: str) -> Iterator[str]:
    for number, string in enumerate(strings, 1):
        if not isinstance(string, str):
            hint = "; decode bytes first" if isinstance(string, bytes) else ""
            raise TypeError(
                f"`{name}` must be strings{hint}. Received: {string!r:.80} as number {number}"
            )
        yield string
