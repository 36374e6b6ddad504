"""Conversion of text to ids, for the training pipeline and for the translator."""

from collections.abc import Iterable, Sequence

import numpy as np

from keras_seq2seq.errors import UserError, check_at_least
from keras_seq2seq.files.text_lines import BYTE_ORDER_MARK
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID
from keras_seq2seq.text.tokenizer import Tokenizer
from keras_seq2seq.text.tokenizers import WhitespaceTokenizer
from keras_seq2seq.text.vocabulary import WHITESPACE, Vocabulary

_UNKNOWN = SPECIAL_TOKENS[UNKNOWN_ID]

# Number of segmentations that subword regularization chooses from, unless given.
DEFAULT_NBEST_SIZE = 16

_OUTER = f"^{BYTE_ORDER_MARK}?[{WHITESPACE}]*|[{WHITESPACE}]+$"

# A Unicode noncharacter, which does not occur in text.
_PLACEHOLDER = "\ufdd0"


class TextEncoder:
    """Converts lines of text to ids.

    There are two sets of methods, which return the same ids. `__call__`, `count_tokens` and
    `lengths` take tensors, work in eager mode and inside a graph, and truncate to `max_length`:
    the training pipeline uses them. `split`, `padded`, `with_start` and `with_end` are plain Python
    and do not truncate: the translator and the scorer use them.

    Args:
        tokenizer: The `Tokenizer`, with its vocabulary; or a `Vocabulary`, whose tokens are
            separated by whitespace.
        max_length: Maximum number of ids of a sequence in training, including the start or end
            token. The rest of longer sequences is cut off.
        reverse: Whether to reverse the order of the tokens, after truncation.
        sampling_alpha: Turns on subword regularization of a `SentencePieceTokenizer`: `sample`
            chooses among segmentations with probabilities to the power of this exponent. With a
            BPE model, this is the probability of dropping a merge. 0 disables it.
        nbest_size: Number of segmentations to choose from, with a unigram model.

    Raises:
        UserError: If `max_length` or `nbest_size` is not an integer of at least 2, if
            `sampling_alpha` is negative or not below 1, or if it is nonzero but the tokenizer
            splits each line in only one way.
        TypeError: If `tokenizer` is neither a `Tokenizer` nor a `Vocabulary`.
        ValueError: If the tokenizer has no vocabulary.

    Example:

    >>> encoder = TextEncoder(Vocabulary(["a", "man"]))
    >>> encoder(tf.constant(["a man", "a dog"]))
    <tf.RaggedTensor [[4, 5], [4, 1]]>
    >>> encoder.with_end([encoder.split("a man"), ["a"]])
    array([[4, 5, 3],
           [4, 3, 0]], dtype=int32)
    """

    def __init__(
        self,
        tokenizer: Tokenizer | Vocabulary,
        max_length: int = 40,
        reverse: bool = False,
        sampling_alpha: float = 0.0,
        nbest_size: int = DEFAULT_NBEST_SIZE,
    ):
        if isinstance(tokenizer, Vocabulary):
            tokenizer = WhitespaceTokenizer(tokenizer)
        if not isinstance(tokenizer, Tokenizer):
            raise TypeError(f"expected a Tokenizer or a Vocabulary. Received: {tokenizer!r}")
        if tokenizer.vocabulary is None:
            raise ValueError(f"the tokenizer needs a vocabulary. Received: {tokenizer!r}")
        check_at_least(2, max_length=max_length, nbest_size=nbest_size)
        if not 0.0 <= sampling_alpha < 1.0:
            raise UserError(f"sampling_alpha is {sampling_alpha}; expected at least 0 and below 1")
        if sampling_alpha and not tokenizer.can_sample:
            raise UserError(
                f"sampling_alpha: the tokenizer {tokenizer.name!r} splits each line in one way "
                "only; subword regularization needs a SentencePiece model"
            )
        self.tokenizer = tokenizer
        self.max_length = int(max_length)
        self.reverse = reverse
        self.sampling_alpha = sampling_alpha
        self.nbest_size = int(nbest_size)

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the tokenizer."""
        return self.tokenizer.vocabulary

    def __call__(self, lines):
        """Converts lines to ids, without start and end tokens.

        Args:
            lines: String tensor of shape `(lines,)`.

        Returns:
            Ragged int32 tensor of shape `(lines, None)`, truncated, and reversed if
            `reverse=True`.
        """
        return self._finish(self.tokenizer(self._clean(lines)))

    def sample(self, lines, random_numbers):
        """Converts lines to ids as `__call__` does, with subword regularization if enabled.

        Args:
            lines: String tensor of shape `(lines,)`.
            random_numbers: Float32 tensor of shape `(lines,)` from a uniform distribution over
                [0, 1).

        Returns:
            Ragged int32 tensor of shape `(lines, None)`.
        """
        if not self.sampling_alpha:
            return self(lines)
        ids = self.tokenizer.sample(
            self._clean(lines), random_numbers, self.sampling_alpha, self.nbest_size
        )
        return self._finish(ids)

    def _finish(self, ids):
        ids = ids[:, : self.max_length - 1]
        return ids[:, ::-1] if self.reverse else ids

    def count_tokens(self, lines):
        """Counts the tokens of each line before truncation.

        Args:
            lines: String tensor of shape `(lines,)`.

        Returns:
            Int32 tensor of shape `(lines,)`, with 0 for empty and blank lines.
        """
        import tensorflow as tf

        tokens = self.tokenizer.tokenize(self._clean(lines))
        return tf.cast(tokens.row_lengths(), tf.int32)

    def lengths(self, token_counts):
        """Returns the lengths of sequences after truncation, including the end token.

        Args:
            token_counts: Int32 tensor as returned by `count_tokens`.
        """
        import tensorflow as tf

        return tf.minimum(token_counts + 1, self.max_length)

    def split(self, line: str, keep_unknown: bool = False) -> list[str]:
        """Splits a line into tokens, without a byte-order mark at its start.

        Args:
            line: The line.
            keep_unknown: Whether to keep "<unk>" in the line as a single token, for text written by
                a model. No effect if the tokenizer never produces unknown tokens.
        """
        line = line.removeprefix(BYTE_ORDER_MARK)
        if not keep_unknown or _UNKNOWN not in line or not self.tokenizer.can_be_unknown():
            return self.tokenizer.split_line(line)
        tokens = self.tokenizer.split_line(line.replace(_UNKNOWN, _PLACEHOLDER))
        return [token.replace(_PLACEHOLDER, _UNKNOWN) for token in tokens]

    def padded(self, token_lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Converts tokens to ids `(lines, longest)`, padded on the right."""
        return _pad([self._to_ids(tokens) for tokens in token_lists])

    def with_end(self, token_lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Converts tokens to ids `(lines, longest + 1)` that end with the end token, padded."""
        return _pad([[*self._to_ids(tokens), END_ID] for tokens in token_lists])

    def with_start(self, token_lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Converts tokens to ids `(lines, longest + 1)` that begin with the start token, padded."""
        return _pad([[START_ID, *self._to_ids(tokens)] for tokens in token_lists])

    def _clean(self, lines):
        """Removes a byte-order mark, and whitespace at both ends that would become tokens."""
        import tensorflow as tf

        if self.tokenizer.keeps_white_space:
            return tf.strings.regex_replace(lines, _OUTER, "")
        return tf.strings.regex_replace(lines, f"^{BYTE_ORDER_MARK}", "")

    def _to_ids(self, tokens: Sequence[str]) -> list[int]:
        ids = self.vocabulary.to_ids(tokens)
        return ids[::-1] if self.reverse else ids


def as_text_encoder(text: TextEncoder | Tokenizer | Vocabulary) -> TextEncoder:
    """Returns a `TextEncoder` unchanged, and makes one of a tokenizer or a vocabulary."""
    return text if isinstance(text, TextEncoder) else TextEncoder(text)


def as_text_encoders(source, target) -> tuple[TextEncoder, TextEncoder]:
    """Returns the text encoders of both sides.

    Args:
        source: A `TextEncoder`, a `Tokenizer` or a `Vocabulary`.
        target: The same for the target side, not reversed.

    Raises:
        ValueError: If the targets are reversed.
    """
    source, target = as_text_encoder(source), as_text_encoder(target)
    if target.reverse:
        raise ValueError("`target` cannot be reversed; only sources can")
    return source, target


def append_end(ids):
    """Appends the end token to ragged ids and pads them: int32 of shape `(lines, length)`."""
    import tensorflow as tf

    return tf.concat([ids, tf.fill([ids.nrows(), 1], END_ID)], axis=1).to_tensor()


def prepend_start(ids):
    """Prepends the start token to ragged ids and pads them: int32 of shape `(lines, length)`."""
    import tensorflow as tf

    return tf.concat([tf.fill([ids.nrows(), 1], START_ID), ids], axis=1).to_tensor()


def _pad(rows: list[list[int]]) -> np.ndarray:
    if len(rows) == 1:
        return np.array(rows, dtype=np.int32)  # A single sentence is translated sooner.
    ids = np.full((len(rows), max(map(len, rows), default=0)), PADDING_ID, dtype=np.int32)
    for padded, row in zip(ids, rows, strict=True):
        padded[: len(row)] = row
    return ids
