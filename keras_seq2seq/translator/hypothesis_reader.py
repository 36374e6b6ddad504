"""From what a search found to text."""

from collections.abc import Iterator, Sequence

import numpy as np

from keras_seq2seq.data.sentence_encoder import SentenceEncoder
from keras_seq2seq.decoding import Hypotheses
from keras_seq2seq.special_tokens import END_ID, PADDING_ID
from keras_seq2seq.translator.hypothesis import Hypothesis
from keras_seq2seq.translator.unk_replacement import UnkReplacement


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
