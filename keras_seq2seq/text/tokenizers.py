"""Tokenizers that split text at whitespace or into characters."""

import os
import re
from collections.abc import Iterable
from typing import Any

from keras_seq2seq.text.tokenizer import Tokenizer, register_tokenizer
from keras_seq2seq.text.vocabulary import (
    WHITESPACE,
    WHITESPACE_CHARACTERS,
    WIDE_WHITESPACE,
    Vocabulary,
)

_WORD = re.compile(f"[^{WHITESPACE}]+")
# These separators of ASCII are no whitespace, except for Python.
_SEPARATORS = re.compile("[\x1c-\x1f]")

# The mark of subword-nmt at the end of a token that continues in the next one.
CONTINUATION = "@@"

# Fraction of such tokens in a vocabulary of subwords: usually a third, and hardly any in other
# vocabularies.
MIN_CONTINUATIONS = 0.01


@register_tokenizer
class WhitespaceTokenizer(Tokenizer):
    """Splits text at whitespace.

    Any run of Unicode whitespace, including the no-break space, separates two tokens.

    Args:
        vocabulary: The `Vocabulary` that defines the ids. Without one, the tokenizer can only
            split text and join tokens.
        continuation: The end of tokens that `detokenize` joins with the next one, such as "@@" for
            the output of subword-nmt. By default, all tokens are joined with spaces. `from_file`
            and `build` set it to "@@" if at least 1 % of the tokens of the vocabulary end in it.

    Example:

    >>> tokenizer = WhitespaceTokenizer.build(["a man  sleeping ."])
    >>> tokenizer.split("a dog  sleeping .")
    ['a', 'dog', 'sleeping', '.']
    >>> tokenizer(["a dog  sleeping ."])
    <tf.RaggedTensor [[5, 1, 7, 4]]>
    """

    name = "whitespace"

    def __init__(self, vocabulary: Vocabulary | None = None, continuation: str | None = None):
        super().__init__(vocabulary)
        if continuation is not None and not (isinstance(continuation, str) and continuation):
            raise ValueError(f"`continuation` must be a string. Received: {continuation!r}")
        self.continuation = continuation

    @classmethod
    def build(
        cls, lines: Iterable[str], size: int | None = None, min_frequency: int = 1, **config: Any
    ) -> "WhitespaceTokenizer":
        """Creates a tokenizer as `Tokenizer.build` does, and recognizes subwords."""
        return super().build(lines, size, min_frequency, **config)._recognize_subwords(config)

    @classmethod
    def from_file(cls, path: str | os.PathLike, **config: Any) -> "WhitespaceTokenizer":
        """Reads a vocabulary file, and recognizes subwords."""
        return super().from_file(path, **config)._recognize_subwords(config)

    def _recognize_subwords(self, config: dict[str, Any]) -> "WhitespaceTokenizer":
        if "continuation" not in config:
            tokens = self.vocabulary.tokens
            found = sum(token.endswith(CONTINUATION) for token in tokens)
            if found >= MIN_CONTINUATIONS * len(tokens):
                self.continuation = CONTINUATION
        return self

    def get_config(self) -> dict[str, Any]:
        return {} if self.continuation is None else {"continuation": self.continuation}

    def tokenize(self, lines):
        import tensorflow as tf

        # `tf.strings.split` only knows the whitespace of ASCII.
        return tf.strings.split(tf.strings.regex_replace(lines, f"[{WIDE_WHITESPACE}]", " "))

    def split(self, line: str) -> list[str]:
        # `str.split` takes a quarter of the time of the regular expression.
        return _WORD.findall(line) if _SEPARATORS.search(line) else line.split()

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins tokens with single spaces, or without a space after tokens that are continued."""
        if self.continuation is None:
            return " ".join(tokens)
        mark, words = self.continuation, [""]
        for token in tokens:
            words[-1] += token.removesuffix(mark)
            if not token.endswith(mark):
                words.append("")
        return " ".join(words[:-1] if words[-1] == "" else words)

    def detokenize_tensor(self, tokens):
        import tensorflow as tf

        if self.continuation is None:
            return tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        mark = f"{re.escape(self.continuation)}$"
        words = tokens.values
        is_continued = tf.strings.regex_full_match(words, f"(?s).*{mark}")
        words = tf.strings.regex_replace(words, mark, "", replace_global=False)
        words = tf.strings.join([words, tf.where(is_continued, "", " ")])
        lines = tf.strings.reduce_join(tokens.with_values(words), axis=-1)
        return tf.strings.regex_replace(lines, " $", "", replace_global=False)

    def to_raw(self, line: str) -> str:
        """Joins the subwords of a line, if there are any."""
        return line if self.continuation is None else self.detokenize(self.split(line))


# Represents a space as a token, as in SentencePiece: a line of a vocabulary file cannot consist of
# a space.
SPACE = "\u2581"

_OUTER_WHITESPACE = f"^[{WHITESPACE}]+|[{WHITESPACE}]+$"
_INNER_WHITESPACE = f"[{WHITESPACE}]"


@register_tokenizer
class CharacterTokenizer(Tokenizer):
    """Splits text into Unicode characters.

    Whitespace at both ends of a line is removed. Each whitespace character inside a line becomes
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
        return list(re.sub(_INNER_WHITESPACE, SPACE, line.strip(WHITESPACE_CHARACTERS)))

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins characters, with "▁" as a space."""
        return "".join(tokens).replace(SPACE, " ")

    def detokenize_tensor(self, tokens):
        import tensorflow as tf

        return tf.strings.regex_replace(tf.strings.reduce_join(tokens, axis=-1), SPACE, " ")
