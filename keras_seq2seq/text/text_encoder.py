"""Text to ids."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from keras_seq2seq.files.text_lines import BYTE_ORDER_MARK
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID
from keras_seq2seq.text.tokenizers import get_tokenizer
from keras_seq2seq.text.vocabulary import Vocabulary


class TextEncoder:
    """Turns lines of text into ids; all methods work in eager mode and inside a graph.

    Args:
        tokenizer: A tokenizer as `get_tokenizer` gives it.
        vocabulary: The `Vocabulary` of these lines.
        max_length: The most ids of a sequence, the end token (or the start token) included;
            further tokens are cut off.
        reverse: Whether to reverse the tokens. The cut is made before, so that the last tokens
            of a line are those that go.
    """

    def __init__(self, tokenizer, vocabulary: Vocabulary, max_length: int, reverse: bool = False):
        self.max_tokens = max_length - 1
        self.reverse = reverse
        self._tokenizer = tokenizer
        self._table = vocabulary.lookup_table()

    def count_tokens(self, lines):
        """Counts the tokens of lines of shape `(lines,)`: int32 of the same shape, before cutting.

        An empty line, or one of blanks only, has 0.
        """
        return tf.cast(self._tokenize(lines).row_lengths(), tf.int32)

    def lengths(self, token_counts):
        """The lengths that lines with so many tokens have with their end token, after cutting."""
        return tf.minimum(token_counts, self.max_tokens) + 1

    def __call__(self, lines):
        """Encodes lines of shape `(lines,)` as a ragged int32 tensor `(lines, None)`.

        The sequences are cut, and reversed if so asked, but have no start and end token yet.
        """
        ids = self._table.lookup(self._tokenize(lines))[:, : self.max_tokens]
        return ids[:, ::-1] if self.reverse else ids

    def _tokenize(self, lines):
        return self._tokenizer.tokenize(tf.strings.regex_replace(lines, f"^{BYTE_ORDER_MARK}", ""))


def with_end(ids):
    """Appends the end token to ragged ids and pads: int32 of shape `(lines, length)`."""
    return tf.concat([ids, tf.fill([ids.nrows(), 1], END_ID)], axis=1).to_tensor()


def with_start(ids):
    """Prepends the start token to ragged ids and pads: int32 of shape `(lines, length)`."""
    return tf.concat([tf.fill([ids.nrows(), 1], START_ID), ids], axis=1).to_tensor()


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
