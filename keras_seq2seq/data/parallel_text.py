"""Checks of parallel text before training on it."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_seq2seq.data.lines import no_lines, unequal_counts
from keras_seq2seq.data.pairs import Pairs, as_pairs
from keras_seq2seq.errors import InputError
from keras_seq2seq.text import TextEncoder, Tokenizer, Vocabulary
from keras_seq2seq.text.deprecated import LENGTH_KEYWORDS, TEXT_KEYWORDS, accept_deprecated_keywords
from keras_seq2seq.text.text_encoder import as_text_encoders


@dataclass(frozen=True)
class TextSummary:
    """Statistics of one side, over the usable pairs.

    Attributes:
        path: The file, or a name such as "sources" for text in memory.
        tokens: Number of tokens before truncation.
        unknown_tokens: Number of tokens that are not in the vocabulary.
        truncated: Number of sequences that are longer than the limit and will be truncated.
        longest: Length of the longest sequence before truncation, including the end token.
        sha256: SHA-256 hash of the decoded lines, which does not depend on compression and line
            endings.
        lengths: Number of sequences by their length before truncation, including the end token.
    """

    path: str
    tokens: int
    unknown_tokens: int
    truncated: int
    longest: int
    sha256: str
    lengths: Counter[int] = field(default_factory=Counter)

    @property
    def truncated_rate(self) -> float:
        """The fraction of sequences that will be truncated, from 0 to 1."""
        return self.truncated / self.lengths.total() if self.lengths else 0.0

    def length_that_fits(self, fraction: float) -> int:
        """Returns the smallest limit that truncates none of this fraction of the sequences."""
        needed = fraction * self.lengths.total()
        for length in sorted(self.lengths):
            needed -= self.lengths[length]
            if needed <= 0:
                return length
        return self.longest

    @property
    def unknown_rate(self) -> float:
        """The fraction of tokens that are not in the vocabulary, from 0 to 1."""
        return self.unknown_tokens / self.tokens


class TextCounter:
    """Collects the statistics of a `TextSummary` line by line, in constant memory.

    Args:
        path: The file that the lines come from, or a name for messages.
        encoder: The `TextEncoder` of the lines.
    """

    def __init__(self, path: str | os.PathLike, encoder: TextEncoder):
        self.path = os.fspath(path)
        self.lines = 0
        self._encoder = encoder
        self._tokens = self._unknown_tokens = self._truncated = 0
        self._lengths = Counter()
        self._digest = hashlib.sha256()

    def read(self, line: str | None) -> list[str]:
        """Returns the tokens of the next line, which is `None` after the end of the file."""
        if line is None:
            return []
        self.lines += 1
        self._digest.update(f"{line}\n".encode())
        return self._encoder.split(line)

    def count(self, tokens: list[str]) -> int:
        """Counts the tokens of a usable line, and returns its length after truncation."""
        length, max_length = len(tokens) + 1, self._encoder.max_length
        vocabulary = self._encoder.vocabulary
        self._tokens += len(tokens)
        self._unknown_tokens += sum(token not in vocabulary for token in tokens)
        self._truncated += length > max_length
        self._lengths[length] += 1
        return min(length, max_length)

    def summary(self) -> TextSummary:
        """Returns the statistics of the lines so far."""
        return TextSummary(
            path=self.path,
            tokens=self._tokens,
            unknown_tokens=self._unknown_tokens,
            truncated=self._truncated,
            longest=max(self._lengths, default=0),
            sha256=self._digest.hexdigest(),
            lengths=self._lengths,
        )

    def check_vocabulary(self, side: str):
        """Raises an `InputError` if every token is unknown; `side` is "source" or "target"."""
        if self._unknown_tokens < self._tokens:
            return
        raise InputError(
            f"{self.path}: the {side} vocabulary contains none of its {self._tokens} tokens; "
            f"{self._hint(side)}"
        )

    def _hint(self, side: str) -> str:
        of_characters = all(len(token) == 1 for token in self._encoder.vocabulary.tokens)
        name = self._encoder.tokenizer.name
        if of_characters and name == "whitespace":
            return (
                f"it consists of characters: set {side}.tokenizer=characters (in Python: use a "
                "CharacterTokenizer)"
            )
        if not of_characters and name == "characters":
            return (
                f"it consists of words: set {side}.tokenizer=whitespace (in Python: use a "
                "WhitespaceTokenizer)"
            )
        return "are the source and target files swapped?"


@dataclass(frozen=True)
class ParallelTextSummary:
    """The result of `scan_parallel_text`.

    Attributes:
        lines: Number of lines of each side.
        empty_pairs: Number of pairs with an empty side, which training skips.
        source: `TextSummary` of the source side of the usable pairs.
        target: `TextSummary` of the target side of the usable pairs.
        lengths: Number of usable pairs by their lengths `(source, target)` after truncation,
            including the end tokens.
    """

    lines: int
    empty_pairs: int
    source: TextSummary
    target: TextSummary
    lengths: Mapping[tuple[int, int], int]

    @property
    def pairs(self) -> int:
        """Number of usable pairs, which have text on both sides."""
        return self.lines - self.empty_pairs


@accept_deprecated_keywords("source_path", "target_path", *TEXT_KEYWORDS, *LENGTH_KEYWORDS)
def scan_parallel_text(
    sources: Any,
    targets: Any,
    source: TextEncoder | Tokenizer | Vocabulary,
    target: TextEncoder | Tokenizer | Vocabulary,
) -> ParallelTextSummary:
    """Checks parallel text and collects statistics, in one pass and constant memory.

    Args:
        sources: The source text, or both sides in one object; see `make_dataset`.
        targets: The target text; see `make_dataset`.
        source: How the sources will be encoded, as in `make_dataset`.
        target: How the targets will be encoded.

    Returns:
        A `ParallelTextSummary`.

    Raises:
        UserError: If a file is missing, unreadable, empty, binary, not UTF-8 or damaged; if the
            sides differ in their number of lines; if no pair has text on both sides; or if a
            vocabulary contains none of the tokens of its side.
        TypeError: If text in memory contains something else than strings.

    Example:

    >>> tokenizer = WhitespaceTokenizer.build(["a man", "a dog"])
    >>> scan_parallel_text(["a man", "a"], ["a dog", ""], tokenizer, tokenizer).pairs
    1
    """
    return scan_pairs(as_pairs(sources, targets), *as_text_encoders(source, target))


def scan_pairs(pairs: Pairs, source: TextEncoder, target: TextEncoder) -> ParallelTextSummary:
    """Does the work of `scan_parallel_text`, once for the same pairs and encoders."""
    if is_scanned(pairs) and pairs.scan[:2] == (source, target):
        return pairs.scan[2]
    summary = _scan(pairs, source, target)
    pairs.scan = source, target, summary
    return summary


def is_scanned(pairs: Pairs) -> bool:
    """Returns whether pairs have been checked by `scan_pairs`."""
    return pairs.scan is not None


def _scan(pairs: Pairs, source: TextEncoder, target: TextEncoder) -> ParallelTextSummary:
    source, target = map(TextCounter, pairs.names, (source, target))
    empty_pairs = 0
    lengths = Counter()
    for source_line, target_line in pairs:
        source_tokens, target_tokens = source.read(source_line), target.read(target_line)
        if source_tokens and target_tokens:
            lengths[source.count(source_tokens), target.count(target_tokens)] += 1
        else:
            empty_pairs += 1
    check_line_counts(source, target, empty_pairs)
    source.check_vocabulary("source")
    target.check_vocabulary("target")
    return ParallelTextSummary(
        source.lines, empty_pairs, source.summary(), target.summary(), lengths
    )


def check_line_counts(source: Any, target: Any, empty_pairs: int):
    """Checks the numbers of lines of both sides after reading them.

    Args:
        source: The source side, with attributes `path` and `lines`.
        target: The target side.
        empty_pairs: Number of pairs with an empty side.

    Raises:
        InputError: If a side has no lines, if the sides have different numbers of lines, or if all
            pairs have an empty side.
    """
    for text in (source, target):
        if not text.lines:
            raise no_lines(text.path)
    if source.lines != target.lines:
        raise unequal_counts(source.path, source.lines, target.path, target.lines)
    if empty_pairs == source.lines:
        raise InputError(
            f"{source.path} and {target.path} have no usable pair: all {source.lines} lines are "
            "empty on at least one side"
        )
