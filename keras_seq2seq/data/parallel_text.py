"""Checking parallel text before training on it."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.text_lines import read_lines
from keras_seq2seq.text.tokenizers import get_tokenizer
from keras_seq2seq.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class TextSummary:
    """Figures of one file, over the pairs that can be used.

    Attributes:
        path: The file.
        tokens: Number of tokens, those that will be cut off included.
        unknown_tokens: How many of them are not in the vocabulary.
        truncated: Number of sequences that are longer than the limit and will be cut.
        longest: Length of the longest sequence before cutting, the end token included.
        sha256: Fingerprint of the text. It is that of the lines, so that compressing the file or
            changing its line ends keeps it.
    """

    path: str
    tokens: int
    unknown_tokens: int
    truncated: int
    longest: int
    sha256: str

    @property
    def unknown_rate(self) -> float:
        """The share of tokens that are not in the vocabulary, from 0 to 1."""
        return self.unknown_tokens / self.tokens


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


@dataclass(frozen=True)
class ParallelTextSummary:
    """What `scan_parallel_text` found.

    Attributes:
        lines: Number of lines of either file.
        empty_pairs: Number of pairs with an empty side, which training skips.
        source: `TextSummary` of the source side of the other pairs.
        target: `TextSummary` of their target side.
        lengths: Number of those pairs by their lengths `(source, target)` after cutting, the end
            tokens included.
    """

    lines: int
    empty_pairs: int
    source: TextSummary
    target: TextSummary
    lengths: Mapping[tuple[int, int], int]

    @property
    def pairs(self) -> int:
        """Number of pairs that can be used."""
        return self.lines - self.empty_pairs


def scan_parallel_text(
    source_path: str | os.PathLike,
    target_path: str | os.PathLike,
    source_tokenizer,
    target_tokenizer,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    source_max_length: int,
    target_max_length: int,
) -> ParallelTextSummary:
    """Reads two line-aligned files once, in constant memory, and counts what is in them.

    Args:
        source_path: Text with one sequence a line, plain or `.gz`.
        target_path: The text that belongs to it, line by line.
        source_tokenizer: A name or an object, see `get_tokenizer`.
        target_tokenizer: Likewise.
        source_vocabulary: `Vocabulary` of the sources.
        target_vocabulary: `Vocabulary` of the targets.
        source_max_length: The most ids of a source, the end token included.
        target_max_length: Likewise for targets.

    Returns:
        A `ParallelTextSummary`.

    Raises:
        UserError: If a file is missing, unreadable, empty, binary, not UTF-8 or damaged; if the
            files differ in their number of lines; if no pair has text on both sides; or if a
            vocabulary knows no token of its file.
    """
    source = TextCounter(
        source_path, get_tokenizer(source_tokenizer), source_vocabulary, source_max_length
    )
    target = TextCounter(
        target_path, get_tokenizer(target_tokenizer), target_vocabulary, target_max_length
    )
    empty_pairs = 0
    lengths = Counter()
    for source_line, target_line in zip_longest(read_lines(source_path), read_lines(target_path)):
        source_tokens, target_tokens = source.read(source_line), target.read(target_line)
        if source_tokens and target_tokens:
            lengths[source.count(source_tokens), target.count(target_tokens)] += 1
        else:
            empty_pairs += 1
    _check_lines(source, target, empty_pairs)
    source.check_vocabulary("source")
    target.check_vocabulary("target")
    return ParallelTextSummary(
        source.lines, empty_pairs, source.summary(), target.summary(), lengths
    )


def _check_lines(source: TextCounter, target: TextCounter, empty_pairs: int):
    for text in (source, target):
        if not text.lines:
            raise UserError(f"{text.path}: empty file; expected text with one sequence a line")
    if source.lines != target.lines:
        raise UserError(
            f"{source.path} has {source.lines} lines, but {target.path} has {target.lines}; "
            "expected line-aligned files"
        )
    if empty_pairs == source.lines:
        raise UserError(
            f"{source.path} and {target.path} have no usable pair: each of their {source.lines} "
            "lines is empty on one side or on both"
        )
