"""Sentences to ids, outside of any graph."""

from collections.abc import Iterable, Sequence

import numpy as np

from keras_seq2seq.data.tokenizers import get_tokenizer
from keras_seq2seq.data.vocabulary import Vocabulary
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID

_UNKNOWN = SPECIAL_TOKENS[UNKNOWN_ID]

# No text holds this character, which Unicode sets aside for use inside of programs.
_PLACEHOLDER = "\ufdd0"


class SentenceEncoder:
    """Turns sentences that are at hand into tokens, and tokens into ids.

    The ids are those that `TextEncoder` gives the training pipeline; nothing is cut.

    Args:
        tokenizer: Name or object, see `get_tokenizer`.
        vocabulary: The `Vocabulary` of the sentences.
        reverse: Whether ids are reversed. Tokens never are.
        keep_unknown: Whether a `<unk>` is one token, the unknown word that a model wrote,
            whatever the tokenizer says.

    Example:

    >>> encoder = SentenceEncoder("whitespace", Vocabulary(["a", "man"]))
    >>> encoder.with_end([encoder.split("a man"), ["a"]])
    array([[4, 5, 3],
           [4, 3, 0]], dtype=int32)
    """

    def __init__(
        self, tokenizer, vocabulary: Vocabulary, reverse: bool = False, keep_unknown: bool = False
    ):
        self.tokenizer = get_tokenizer(tokenizer)
        self.vocabulary = vocabulary
        self.reverse = reverse
        self.keep_unknown = keep_unknown

    def split(self, sentence: str) -> list[str]:
        """Returns the tokens of a sentence."""
        if not self.keep_unknown or _UNKNOWN not in sentence:
            return self.tokenizer.split(sentence)
        # A tokenizer of characters would take the mark apart.
        tokens = self.tokenizer.split(sentence.replace(_UNKNOWN, _PLACEHOLDER))
        return [token.replace(_PLACEHOLDER, _UNKNOWN) for token in tokens]

    def padded(self, token_lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Returns ids `(sentences, longest)`, padded on the right."""
        return _pad([self._to_ids(tokens) for tokens in token_lists])

    def with_end(self, token_lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Returns ids `(sentences, longest + 1)`, each row ended and padded."""
        return _pad([[*self._to_ids(tokens), END_ID] for tokens in token_lists])

    def with_start(self, token_lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Returns ids `(sentences, longest + 1)`, each row begun and padded."""
        return _pad([[START_ID, *self._to_ids(tokens)] for tokens in token_lists])

    def _to_ids(self, tokens: Sequence[str]) -> list[int]:
        ids = self.vocabulary.to_ids(tokens)
        return ids[::-1] if self.reverse else ids


def _pad(rows: list[list[int]]) -> np.ndarray:
    ids = np.full((len(rows), max(map(len, rows), default=0)), PADDING_ID, dtype=np.int32)
    for padded, row in zip(ids, rows, strict=True):
        padded[: len(row)] = row
    return ids
