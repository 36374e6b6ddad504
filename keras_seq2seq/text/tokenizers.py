"""Tokenizers that split text at white space or into characters."""

import re
from collections.abc import Iterable

from keras_seq2seq.text.tokenizer import Tokenizer, register_tokenizer
from keras_seq2seq.text.vocabulary import WHITESPACE, WIDE_WHITESPACE

_WORD = re.compile(f"[^{WHITESPACE}]+")


@register_tokenizer
class WhitespaceTokenizer(Tokenizer):
    """Splits text at white space.

    Any run of Unicode white space, including the no-break space, separates two tokens.

    Args:
        vocabulary: The `Vocabulary` that defines the ids. Without one, the tokenizer can only
            split text and join tokens.

    Example:

    >>> tokenizer = WhitespaceTokenizer.build(["a man  sleeping ."])
    >>> tokenizer.split("a dog  sleeping .")
    ['a', 'dog', 'sleeping', '.']
    >>> tokenizer(["a dog  sleeping ."])
    <tf.RaggedTensor [[5, 1, 7, 4]]>
    """

    name = "whitespace"

    def tokenize(self, lines):
        import tensorflow as tf

        # `tf.strings.split` only knows the white space of ASCII.
        return tf.strings.split(tf.strings.regex_replace(lines, f"[{WIDE_WHITESPACE}]", " "))

    def split(self, line: str) -> list[str]:
        return _WORD.findall(line)

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins tokens with single spaces."""
        return " ".join(tokens)


# Represents a space as a token, as in SentencePiece: a line of a vocabulary file cannot consist of
# a space.
SPACE = "\u2581"

_OUTER_WHITESPACE = f"^[{WHITESPACE}]+|[{WHITESPACE}]+$"
_INNER_WHITESPACE = f"[{WHITESPACE}]"


@register_tokenizer
class CharacterTokenizer(Tokenizer):
    """Splits text into Unicode characters.

    White space at both ends of a line is removed. Each white-space character inside a line becomes
    the token U+2581 ("▁"), which `detokenize` turns into a plain space.

    Args:
        vocabulary: The `Vocabulary` that defines the ids. Without one, the tokenizer can only
            split text and join tokens.

    Example:

    >>> tokenizer = CharacterTokenizer.build(["3 may"])
    >>> tokenizer.split("3 may")
    ['3', '▁', 'm', 'a', 'y']
    >>> tokenizer.detokenize(["3", "▁", "m", "a", "y"])
    '3 may'
    """

    name = "characters"

    def tokenize(self, lines):
        import tensorflow as tf

        lines = tf.strings.regex_replace(lines, _OUTER_WHITESPACE, "")
        lines = tf.strings.regex_replace(lines, _INNER_WHITESPACE, SPACE)
        return tf.strings.unicode_split(lines, "UTF-8")

    def split(self, line: str) -> list[str]:
        return list(re.sub(_INNER_WHITESPACE, SPACE, re.sub(_OUTER_WHITESPACE, "", line)))

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins characters, with "▁" as a space."""
        return "".join(tokens).replace(SPACE, " ")
