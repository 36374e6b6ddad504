"""Words between blanks."""

import re
from collections.abc import Iterable
from functools import cached_property

from keras_seq2seq.data.whitespace import WHITESPACE, WIDE_WHITESPACE

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
