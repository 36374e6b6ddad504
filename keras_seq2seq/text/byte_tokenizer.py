"""Bytes of raw text as tokens."""

import os
from collections.abc import Iterable
from typing import Any

from keras_seq2seq.errors import UserError
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID
from keras_seq2seq.text.tokenizer import Tokenizer, register_tokenizer
from keras_seq2seq.text.tokenizers import SPACE
from keras_seq2seq.text.vocabulary import Vocabulary


def _name(byte: int) -> str:
    """Returns the token of a byte: an ASCII character, or a number such as "<0xC3>"."""
    if byte == ord(" "):
        return SPACE
    return chr(byte) if ord(" ") < byte < 0x7F else f"<0x{byte:02X}>"


_NAMES = tuple(map(_name, range(256)))
_BYTES = tuple(bytes([byte]) for byte in range(256))
_BYTE_OF = dict(zip(_NAMES, _BYTES, strict=True))


@register_tokenizer
class ByteTokenizer(Tokenizer):
    """Splits raw text into the bytes of its UTF-8 encoding.

    The vocabulary is fixed: the 256 bytes have the ids 4 to 259. Printable ASCII characters are
    their own tokens, except that "▁" is the space; other bytes are numbers such as "<0xC3>".
    `detokenize` is the exact inverse of `split`.

    Args:
        vocabulary: The fixed vocabulary, which can be omitted.

    Raises:
        UserError: If `vocabulary` is a different one.

    Example:

    >>> tokenizer = ByteTokenizer()
    >>> tokenizer.split("3 mä")
    ['3', '▁', 'm', '<0xC3>', '<0xA4>']
    >>> tokenizer.detokenize(['3', '▁', 'm', '<0xC3>', '<0xA4>'])
    '3 mä'
    """

    name = "bytes"
    vocabulary_suffix = None
    keeps_white_space = True

    def __init__(self, vocabulary: Vocabulary | None = None):
        if vocabulary is not None and vocabulary.tokens != _NAMES:
            raise UserError("the tokenizer 'bytes' has a fixed vocabulary; leave it out")
        super().__init__(Vocabulary(_NAMES))

    @classmethod
    def build(
        cls, lines: Iterable[str] = (), size: int | None = None, **options: Any
    ) -> "ByteTokenizer":
        """Returns the tokenizer, whose vocabulary does not depend on text.

        Args:
            lines: Ignored, as are the other arguments.
            size: Ignored.
            **options: Ignored.
        """
        return cls()

    @classmethod
    def from_file(cls, path: str | os.PathLike, **config: Any) -> "ByteTokenizer":
        """Raises a `UserError`, since there is no vocabulary file."""
        raise UserError(f"{path}: the tokenizer 'bytes' has no vocabulary file; leave it out")

    def can_be_unknown(self) -> bool:
        """Returns `False`."""
        return False

    def tokenize(self, lines):
        import tensorflow as tf

        return tf.gather(tf.constant(_NAMES), self._bytes(lines))

    def __call__(self, lines):
        return self._bytes(lines) + len(SPECIAL_TOKENS)

    def split(self, line: str) -> list[str]:
        return [_NAMES[byte] for byte in line.encode("utf-8", "replace")]

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins bytes into text. Bytes that are not valid UTF-8 become U+FFFD."""
        encoded = (_BYTE_OF.get(token) or token.encode("utf-8", "replace") for token in tokens)
        return b"".join(encoded).decode("utf-8", "replace")

    def detokenize_tensor(self, tokens):
        import tensorflow as tf

        ids = self._lookup_table().lookup(tokens.values)
        is_byte = ids != UNKNOWN_ID
        # Tokens that are not bytes are treated as the first byte before they are replaced.
        numbers = tf.where(is_byte, ids - len(SPECIAL_TOKENS), 0)
        encoded = tf.where(is_byte, tf.gather(tf.constant(_BYTES), numbers), tokens.values)
        lines = tf.strings.reduce_join(tokens.with_values(encoded), axis=-1)
        return tf.strings.unicode_transcode(lines, "UTF-8", "UTF-8", errors="replace")

    def _bytes(self, lines):
        import tensorflow as tf

        lengths = tf.strings.length(lines)
        # An array has at least one column.
        longest = tf.reduce_max(tf.concat([lengths, [1]], axis=0))
        padded = tf.io.decode_raw(lines, tf.uint8, fixed_length=longest)
        return tf.cast(tf.RaggedTensor.from_tensor(padded, lengths), tf.int32)
