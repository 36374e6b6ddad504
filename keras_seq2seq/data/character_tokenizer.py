"""Single characters."""

import re
from collections.abc import Iterable

from keras_seq2seq.data.whitespace import WHITESPACE

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
