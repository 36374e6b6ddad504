"""Counting one side of a parallel text."""

import hashlib
import os

from keras_seq2seq.data.text_summary import TextSummary
from keras_seq2seq.data.vocabulary import Vocabulary
from keras_seq2seq.errors import UserError


class TextCounter:
    """Collects the figures of a `TextSummary` line by line, in constant memory.

    Args:
        path: The file that the lines come from.
        tokenizer: A tokenizer as `get_tokenizer` gives it.
        vocabulary: The `Vocabulary` of the file.
        max_length: The most ids of a sequence, the end token included.
    """

    def __init__(self, path: str | os.PathLike, tokenizer, vocabulary: Vocabulary, max_length: int):
        self.path = os.fspath(path)
        self.lines = 0
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._max_length = max_length
        self._tokens = self._unknown_tokens = self._truncated = self._longest = 0
        self._digest = hashlib.sha256()

    def read(self, line: str | None) -> list[str]:
        """Takes the next line, or `None` where the file has ended, and returns its tokens."""
        if line is None:
            return []
        self.lines += 1
        self._digest.update(f"{line}\n".encode())
        return self._tokenizer.split(line)

    def count(self, tokens: list[str]) -> int:
        """Counts the tokens of a line that can be used, and returns its length after cutting."""
        length = len(tokens) + 1
        self._tokens += len(tokens)
        self._unknown_tokens += sum(token not in self._vocabulary for token in tokens)
        self._truncated += length > self._max_length
        self._longest = max(self._longest, length)
        return min(length, self._max_length)

    def summary(self) -> TextSummary:
        """The figures so far."""
        return TextSummary(
            path=self.path,
            tokens=self._tokens,
            unknown_tokens=self._unknown_tokens,
            truncated=self._truncated,
            longest=self._longest,
            sha256=self._digest.hexdigest(),
        )

    def check_vocabulary(self, side: str):
        """Raises a `UserError` if every token is unknown; `side` is "source" or "target"."""
        if self._unknown_tokens < self._tokens:
            return
        raise UserError(
            f"{self.path}: the {side} vocabulary has none of its {self._tokens} tokens; "
            f"{self._hint(side)}"
        )

    def _hint(self, side: str) -> str:
        of_characters = all(len(token) == 1 for token in self._vocabulary.tokens)
        if of_characters and self._tokenizer.name != "characters":
            return f"it is one of characters: set {side}.tokenizer=characters"
        if not of_characters and self._tokenizer.name == "characters":
            return f"it is one of words: set {side}.tokenizer=whitespace"
        return "are the source and target files swapped?"
