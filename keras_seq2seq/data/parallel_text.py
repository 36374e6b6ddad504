"""Checks of parallel text before training on it."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

from keras_seq2seq.data.lines import no_lines, unequal_counts
from keras_seq2seq.data.pairs import Pairs
from keras_seq2seq.data.record_pairs import RecordPairs, as_data
from keras_seq2seq.data.records import SIDES
from keras_seq2seq.data.text_statistics import percentile
from keras_seq2seq.errors import InputError
from keras_seq2seq.text import TextEncoder, Tokenizer, Vocabulary
from keras_seq2seq.text.deprecated import LENGTH_KEYWORDS, TEXT_KEYWORDS, accept_deprecated_keywords
from keras_seq2seq.text.text_encoder import as_text_encoders

# Fractions of sequences or tokens above which something is probably wrong.
MANY = 0.1
NEARLY_ALL = 0.99


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
        return percentile(self.lengths, fraction) if self.lengths else self.longest

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
        self._tokens += len(tokens)
        self._unknown_tokens += self._encoder.vocabulary.count_unknown(tokens)
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
        check_vocabulary(self.path, side, self._encoder, self._tokens, self._unknown_tokens)


def check_vocabulary(path: str, side: str, encoder: TextEncoder, tokens: int, unknown_tokens: int):
    """Checks that a vocabulary contains some of the tokens of a text.

    Args:
        path: The name of the text.
        side: "source" or "target".
        encoder: The `TextEncoder` of the text.
        tokens: Number of tokens of the text.
        unknown_tokens: Number of tokens that are not in the vocabulary.

    Raises:
        InputError: If all of them are unknown.
    """
    if unknown_tokens == tokens:
        raise InputError(
            f"{path}: the {side} vocabulary contains none of its {tokens} tokens; "
            f"{_hint(encoder, side)}"
        )


def _hint(encoder: TextEncoder, side: str) -> str:
    of_characters = all(len(token) == 1 for token in encoder.vocabulary.tokens)
    name = encoder.tokenizer.name
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
        dropped: Number of pairs that filters excluded, by reason; they are not counted as lines.
    """

    lines: int
    empty_pairs: int
    source: TextSummary
    target: TextSummary
    lengths: Mapping[tuple[int, int], int]
    dropped: Mapping[str, int] = field(default_factory=dict)

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
        TypeError: If text in memory contains anything other than strings.

    Example:

    >>> tokenizer = WhitespaceTokenizer.build(["a man", "a dog"])
    >>> scan_parallel_text(["a man", "a"], ["a dog", ""], tokenizer, tokenizer).pairs
    1
    """
    return scan_pairs(as_data(sources, targets), *as_text_encoders(source, target))


def scan_pairs(pairs: Pairs, source: TextEncoder, target: TextEncoder) -> ParallelTextSummary:
    """Does the work of `scan_parallel_text`; repeated calls with the same arguments are cached."""
    if is_scanned(pairs) and pairs.scan[:2] == (source, target):
        return pairs.scan[2]
    scan = _summarize_records if isinstance(pairs, RecordPairs) else _scan
    summary = scan(pairs, source, target)
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
    check_line_counts((source.path, target.path), (source.lines, target.lines), empty_pairs)
    source.check_vocabulary("source")
    target.check_vocabulary("target")
    return ParallelTextSummary(
        source.lines, empty_pairs, source.summary(), target.summary(), lengths, pairs.dropped
    )


def _summarize_records(
    pairs: RecordPairs, source: TextEncoder, target: TextEncoder
) -> ParallelTextSummary:
    """Collects the same statistics from prepared records, where a weight counts as repetition."""
    pairs.check_tokenizers(source, target)
    limits = source.max_length, target.max_length
    lengths, lengths_of_sides = Counter(), (Counter(), Counter())
    for weight, counts in pairs.token_counts():
        untruncated = counts + 1
        for side, counter in enumerate(lengths_of_sides):
            values, numbers = _count_values(untruncated[:, side])
            _add(counter, weight, values.tolist(), numbers.tolist())
        source_lengths, target_lengths = np.minimum(untruncated, limits).T
        keys, numbers = _count_values(source_lengths * (limits[1] + 1) + target_lengths)
        pairs_of_lengths = map(divmod, keys.tolist(), repeat(limits[1] + 1))
        _add(lengths, weight, pairs_of_lengths, numbers.tolist())
    sides = [
        TextSummary(
            path=pairs.names[side],
            tokens=pairs.total(name, "tokens"),
            unknown_tokens=pairs.total(name, "unknown_tokens"),
            truncated=sum(number for length, number in counter.items() if length > limits[side]),
            longest=max(counter),
            sha256=pairs.sha256(name),
            lengths=counter,
        )
        for side, (name, counter) in enumerate(zip(SIDES, lengths_of_sides, strict=True))
    ]
    counts = pairs.total("lines"), pairs.total("empty_pairs")
    return ParallelTextSummary(*counts, *sides, lengths, pairs.dropped)


# Up to this value, counting takes a tenth of the time of sorting.
_MAX_COUNTED = 2**20


def _count_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the distinct values of an array, and how often each of them occurs."""
    if values.max() > _MAX_COUNTED:
        return np.unique(values, return_counts=True)
    numbers = np.bincount(values)
    found = np.flatnonzero(numbers)
    return found, numbers[found]


def _add(counter: Counter, weight: int, values: Iterable, numbers: Iterable[int]):
    for value, number in zip(values, numbers, strict=True):
        counter[value] += weight * number


def check_line_counts(names: tuple[str, str], lines: tuple[int, int], empty_pairs: int):
    """Checks that two texts have the same number of lines, and a usable pair.

    Args:
        names: The names of both texts.
        lines: Their numbers of lines.
        empty_pairs: Number of pairs with an empty side.

    Raises:
        InputError: If not.
    """
    for name, number in zip(names, lines, strict=True):
        if not number:
            raise no_lines(name)
    if lines[0] != lines[1]:
        raise unequal_counts(names[0], lines[0], names[1], lines[1])
    if empty_pairs == lines[0]:
        raise InputError(
            f"{names[0]} and {names[1]} have no usable pair: all {lines[0]} lines are "
            "empty on at least one side"
        )
