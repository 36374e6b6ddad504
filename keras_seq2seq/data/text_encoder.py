"""Lines of text to ids, inside a TensorFlow graph."""

import tensorflow as tf

from keras_seq2seq.data.text_lines import BYTE_ORDER_MARK
from keras_seq2seq.data.vocabulary import Vocabulary
from keras_seq2seq.special_tokens import END_ID, START_ID


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
