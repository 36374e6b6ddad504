"""Filters that exclude pairs, and a view of the pairs that they keep.

A filter decides in plain Python, during the first pass over the text. The `tf.data` view drops the
same pairs by their positions, so both views agree and line numbers are still those of the files.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TypeVar

import numpy as np

from keras_seq2seq.data.lines import unequal_counts
from keras_seq2seq.data.pairs import PAIRS_AT_ONCE, Pairs
from keras_seq2seq.errors import InputError
from keras_seq2seq.text import Tokenizer
from keras_seq2seq.text.scripts import is_in_script
from keras_seq2seq.text.tokenizers import WhitespaceTokenizer

Row = TypeVar("Row", bound=tuple)

_split = WhitespaceTokenizer().split


def normalize_spaces(line: str) -> str:
    """Returns a line with single spaces; lines for which this is equal are treated as equal."""
    return " ".join(_split(line))


def text_hash(*texts: str) -> int:
    """Returns a hash of texts, an integer of 64 bits that is the same in every process."""
    data = "\0".join(texts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


class Filter:
    """Base class of the filters.

    Attributes:
        reason: Why a pair is excluded, for reports, such as `"duplicate"`.
        normalizes_spaces: Whether it gets lines from `normalize_spaces` instead of those of the
            text.
    """

    reason: str
    normalizes_spaces = True

    def start(self):
        """Prepares the filter for a new pass over the text."""

    def rejects(self, source: str, target: str) -> bool:
        """Returns whether to exclude a pair.

        Args:
            source: The source line, not empty.
            target: The target line.
        """
        raise NotImplementedError


class Duplicates(Filter):
    """Excludes repeated pairs. Memory use is about 70 bytes per distinct pair."""

    reason = "duplicate"

    def start(self):
        self._seen: set[int] = set()

    def rejects(self, source: str, target: str) -> bool:
        key = text_hash(source, target)
        if key in self._seen:
            return True
        self._seen.add(key)
        return False


class Identical(Filter):
    """Excludes pairs with identical sides, such as untranslated lines."""

    reason = "identical sides"

    def rejects(self, source: str, target: str) -> bool:
        return source == target


class LengthRatio(Filter):
    """Excludes pairs in which one side has many times as many characters as the other.

    Args:
        most: The largest ratio of the longer to the shorter side, in characters.
    """

    reason = "length ratio"

    def __init__(self, most: float):
        self.most = most

    def rejects(self, source: str, target: str) -> bool:
        shorter, longer = sorted((len(source), len(target)))
        return longer > self.most * shorter


class WrongScript(Filter):
    """Excludes pairs with a side that is mostly written in another script.

    A line without letters, such as a number, belongs to every script.

    Args:
        source: The script of the sources, one of `text.scripts.SCRIPTS`; `None` for any script.
        target: The script of the targets.
    """

    reason = "wrong script"

    def __init__(self, source: str | None, target: str | None):
        self._scripts = source, target

    def rejects(self, source: str, target: str) -> bool:
        lines = zip((source, target), self._scripts, strict=True)
        return any(script and not is_in_script(line, script) for line, script in lines)


class TooLong(Filter):
    """Excludes pairs that would be truncated.

    Args:
        tokenizers: The tokenizers of both sides.
        max_lengths: Their maximum lengths in tokens, including the end token.
    """

    reason = "too long"
    # Many tokenizers read spaces as tokens.
    normalizes_spaces = False

    def __init__(self, tokenizers: tuple[Tokenizer, Tokenizer], max_lengths: tuple[int, int]):
        self._tokenizers, self._max_lengths = tokenizers, max_lengths

    def rejects(self, source: str, target: str) -> bool:
        sides = zip(self._tokenizers, self._max_lengths, (source, target), strict=True)
        return any(len(tokenizer.split_line(line)) + 1 > limit for tokenizer, limit, line in sides)


class SharedText(Filter):
    """Excludes pairs that have a source or a target in common with other data.

    Args:
        sources: The sources of the other data, see `normalize_spaces`.
        targets: The targets of the other data.
    """

    reason = "text in common with the dev data"

    def __init__(self, sources: Set[str], targets: Set[str]):
        self._sources, self._targets = sources, targets

    def rejects(self, source: str, target: str) -> bool:
        return source in self._sources or target in self._targets


class FilteredPairs(Pairs):
    """The pairs that all filters keep. Pairs with an empty side are kept for the scan to count.

    Args:
        pairs: The pairs. Each iteration must yield the same ones.
        filters: The filters, in the order in which they are tried.

    Attributes:
        dropped: Number of excluded pairs by reason, after the first complete iteration.
    """

    def __init__(self, pairs: Pairs, filters: Sequence[Filter]):
        self.names, self.unit = pairs.names, pairs.unit
        self.is_in_memory, self.is_repeatable = pairs.is_in_memory, pairs.is_repeatable
        self.dropped: Mapping[str, int] = {}
        self._pairs, self._filters = pairs, list(filters)
        # Whether each pair is kept, once that is known.
        self._is_kept: np.ndarray | None = None

    def __iter__(self) -> Iterator[tuple[str | None, str | None]]:
        """Yields the pairs that are kept.

        Raises:
            InputError: If the sides have different numbers of lines, or no pair is kept.
        """
        return self._select(self._pairs)

    def located(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Yields the places of the pairs that are kept, which are those in the whole text."""
        return self._select(self._pairs.located())

    def numbered(self) -> Iterator[tuple[int, str | None, str | None]]:
        """Yields the numbers of the pairs that are kept, which are those in the whole text."""
        return self._select(self._pairs.numbered())

    def _select(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yields the rows whose last two items are a pair that is kept."""
        for item in self._filters:
            item.start()
        is_kept, dropped, counts, has_text = bytearray(), Counter(), [0, 0], False
        for row in rows:
            pair = row[-2:]
            for side, line in enumerate(pair):
                counts[side] += line is not None
            reason = self._reason(pair)
            is_kept.append(reason is None)
            if reason is None:
                # Pairs with an empty side pass the filters; they are counted and dropped later.
                has_text = has_text or all(normalize_spaces(line or "") for line in pair)
                yield row
            else:
                dropped[reason] += 1
        if counts[0] != counts[1]:
            raise unequal_counts(self.names[0], counts[0], self.names[1], counts[1])
        if dropped and not has_text:
            reasons = ", ".join(f"{reason}: {number:,}" for reason, number in dropped.items())
            raise InputError(
                f"{' and '.join(self.names)} have no pair that the filters keep ({reasons})"
            )
        self._is_kept = np.frombuffer(is_kept, dtype=bool)
        self.dropped = dict(dropped)

    def _reason(self, pair: tuple[str | None, str | None]) -> str | None:
        """Returns why a pair is excluded, `None` if it is kept."""
        if not self._filters:
            return None
        lines = [line or "" for line in pair]
        normalized = list(map(normalize_spaces, lines))
        if all(normalized):
            for item in self._filters:
                if item.rejects(*(normalized if item.normalizes_spaces else lines)):
                    return item.reason
        return None

    def check_counts(self):
        self._pairs.check_counts()

    def dataset(self):
        return self._keep(self._pairs.dataset())

    def numbered_dataset(self):
        return self._keep(self._pairs.numbered_dataset())

    def _keep(self, dataset):
        """Returns the elements of a dataset whose pairs are kept."""
        import tensorflow as tf

        kept = self._find_kept()
        # An eager tensor is an input of the graph. A constant would be copied with the graph.
        with tf.init_scope():
            is_kept = tf.constant(kept)

        def drop(columns, start):
            mask = is_kept[start : start + PAIRS_AT_ONCE]
            return tuple(tf.boolean_mask(column, mask) for column in columns)

        starts = tf.data.Dataset.range(0, len(kept), PAIRS_AT_ONCE)
        groups = tf.data.Dataset.zip((dataset.batch(PAIRS_AT_ONCE), starts))
        return groups.map(tf.autograph.experimental.do_not_convert(drop)).unbatch()

    def _find_kept(self) -> np.ndarray:
        """Returns whether each pair is kept, which the first pass over the text finds out."""
        if self._is_kept is None:
            for _ in self:
                pass
        return self._is_kept
