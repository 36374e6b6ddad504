"""Tokenizers."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from keras_seq2seq.errors import UserError

# All in a form that both Python's `re` and TensorFlow's RE2 read between brackets.
WIDE_WHITESPACE = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
WHITESPACE = f"\t-\r {WIDE_WHITESPACE}"


_WORD = re.compile(f"[^{WHITESPACE}]+")


class WhitespaceTokenizer:
    """Splits text at blanks.

    Any run of Unicode white space, the no-break space too, separates two tokens.

    Example:

    >>> WhitespaceTokenizer().split("a man  sleeping .")
    ['a', 'man', 'sleeping', '.']
    """

    name = "whitespace"

    def tokenize(self, strings):
        """Splits a tensor of lines, also inside a graph.

        Args:
            strings: A string tensor of shape `(lines,)`, in UTF-8.

        Returns:
            A `tf.RaggedTensor` of string tokens of shape `(lines, None)`.
        """
        import tensorflow as tf

        # tensorflow-text 2.21 leaves the first bytes of a space of several bytes on the word
        # before it: "a\u3000b" becomes b"a\xe3\x80" and b"b".
        strings = tf.strings.regex_replace(strings, f"[{WIDE_WHITESPACE}]", " ")
        return self._graph_tokenizer.tokenize(strings)

    def split(self, line: str) -> list[str]:
        """Splits one line in plain Python into the same tokens as `tokenize`."""
        return _WORD.findall(line)

    def join(self, tokens: Iterable[str]) -> str:
        """Joins tokens into one line, with one blank between two."""
        return " ".join(tokens)

    @cached_property
    def _graph_tokenizer(self):
        import tensorflow_text

        return tensorflow_text.WhitespaceTokenizer()


# A blank cannot stand alone on a line of a vocabulary file; this mark stands for it there, as in
# SentencePiece.
BLANK = "\u2581"

_OUTER_BLANKS = f"^[{WHITESPACE}]+|[{WHITESPACE}]+$"
_INNER_BLANK = f"[{WHITESPACE}]"


class CharacterTokenizer:
    """Splits text into its Unicode characters.

    Blanks around a line are dropped. Those inside are tokens of their own, written as U+2581
    ("▁") whatever white space they were; `join` writes them as a plain blank.

    Example:

    >>> CharacterTokenizer().split("3 may")
    ['3', '▁', 'm', 'a', 'y']
    """

    name = "characters"

    def tokenize(self, strings):
        """Splits a tensor of lines, also inside a graph.

        Args:
            strings: A string tensor of shape `(lines,)`, in UTF-8.

        Returns:
            A `tf.RaggedTensor` of string tokens of shape `(lines, None)`.
        """
        import tensorflow as tf

        strings = tf.strings.regex_replace(strings, _OUTER_BLANKS, "")
        strings = tf.strings.regex_replace(strings, _INNER_BLANK, BLANK)
        return tf.strings.unicode_split(strings, "UTF-8")

    def split(self, line: str) -> list[str]:
        """Splits one line in plain Python into the same tokens as `tokenize`."""
        return list(re.sub(_INNER_BLANK, BLANK, re.sub(_OUTER_BLANKS, "", line)))

    def join(self, tokens: Iterable[str]) -> str:
        """Joins characters into one line, with plain blanks."""
        return "".join(tokens).replace(BLANK, " ")


_TOKENIZERS = {tokenizer.name: tokenizer for tokenizer in (WhitespaceTokenizer, CharacterTokenizer)}


def get_tokenizer(tokenizer: str | Any):
    """Finds a tokenizer by its name.

    Args:
        tokenizer: `"whitespace"` or `"characters"`, or an object with the `name` and the methods
            `tokenize`, `split` and `join` of `WhitespaceTokenizer`, which is returned as it is.
            `tokenize` becomes part of a graph as it is, without AutoGraph.

    Returns:
        The tokenizer.

    Raises:
        UserError: If there is no tokenizer of that name.
    """
    if not isinstance(tokenizer, str):
        return tokenizer
    if tokenizer not in _TOKENIZERS:
        near = get_close_matches(tokenizer.lower(), _TOKENIZERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(_TOKENIZERS)}"
        raise UserError(f"unknown tokenizer {tokenizer!r}; {hint}")
    return _TOKENIZERS[tokenizer]()
