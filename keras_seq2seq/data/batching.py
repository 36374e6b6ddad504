"""Buckets and batch sizes."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import numpy as np

from keras_seq2seq.errors import UserError

_EXAMPLE = "expected growing whole numbers such as 10,15,20"
_PAIR_EXAMPLE = "expected lengths of source and target such as 10x12"


def validate_buckets(buckets: Iterable[int | str | tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Checks the boundaries of length buckets.

    `N` boundaries make `N + 1` buckets. A pair is in the first bucket whose boundary both its
    lengths are below, or in the last one. So `(10, 15)` stands for lengths below 10, from 10 to
    14, and of 15 and more, where the longer side counts; `("10x12", 15)` begins with sources below
    10 that have targets below 12.

    Args:
        buckets: Boundaries: a number for both sides, or one for source and one for target, as a
            tuple or as text. Numbers are positive; those for both sides grow. None at all means
            one bucket.

    Returns:
        The boundaries `(source, target)`.

    Raises:
        UserError: If a boundary is no whole number, is not positive, or leaves nothing between
            itself and one before it.
    """
    boundaries = tuple(buckets)
    checked = tuple(_read_boundary(boundary) for boundary in boundaries)
    if all(isinstance(boundary, Integral) for boundary in boundaries):
        for lower, upper in pairwise(boundaries):
            if lower == upper:
                raise UserError(f"buckets: {upper} is there twice; {_EXAMPLE}")
            if lower > upper:
                raise UserError(f"buckets: {upper} comes after {lower}; {_EXAMPLE}")
    for index, (source, target) in enumerate(checked):
        for earlier_source, earlier_target in checked[:index]:
            if source <= earlier_source and target <= earlier_target:
                raise UserError(
                    f"buckets: {source}x{target} would stay empty, since it comes after "
                    f"{earlier_source}x{earlier_target}"
                )
    return checked


def _read_boundary(boundary) -> tuple[int, int]:
    example = _EXAMPLE
    if isinstance(boundary, str) and "x" in boundary:
        example = _PAIR_EXAMPLE
        sides = boundary.split("x")
        if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
            raise UserError(f"buckets: {boundary!r} is no pair of whole numbers; {example}")
        boundary = tuple(int(side) for side in sides)
    sides = boundary if isinstance(boundary, tuple) and len(boundary) == 2 else (boundary,) * 2
    for side in sides:
        if isinstance(side, bool) or not isinstance(side, Integral):
            raise UserError(f"buckets: {boundary!r} is not a whole number; {example}")
        if side < 1:
            raise UserError(f"buckets: {side} is not positive; {example}")
    return tuple(int(side) for side in sides)


@dataclass(frozen=True)
class Batching:
    """Buckets with the number of pairs in a batch of each.

    Attributes:
        buckets: Boundaries as `validate_buckets` returns them, one fewer than there are buckets.
        batch_sizes: Pairs in a batch, for each bucket.
    """

    buckets: tuple[tuple[int, int], ...]
    batch_sizes: tuple[int, ...]

    @classmethod
    def of_pairs(cls, buckets: tuple[tuple[int, int], ...], pairs: int) -> "Batching":
        """Returns batches that all have the same number of pairs."""
        return cls(buckets, (pairs,) * (len(buckets) + 1))

    @classmethod
    def of_tokens(
        cls,
        buckets: tuple[tuple[int, int], ...],
        tokens: int,
        source_max_length: int,
        target_max_length: int,
    ) -> "Batching":
        """Returns batches of so many pairs that neither side has more than `tokens` positions.

        Padding counts, so that memory is bounded. A single pair may have more.
        """
        sizes = []
        for source, target in (*buckets, (source_max_length + 1, target_max_length + 1)):
            longest = max(min(source - 1, source_max_length), min(target - 1, target_max_length))
            sizes.append(max(1, tokens // max(longest, 1)))
        return cls(buckets, tuple(sizes))

    def on(self, devices: int) -> "Batching":
        """Returns batches of as many times more pairs, for several devices together."""
        return Batching(self.buckets, tuple(size * devices for size in self.batch_sizes))

    def bucket_of(self, source_length: int, target_length: int) -> int:
        """Returns the index of the bucket of a pair."""
        for index, (source, target) in enumerate(self.buckets):
            if source_length < source and target_length < target:
                return index
        return len(self.buckets)

    def steps_per_epoch(self, lengths: Mapping[tuple[int, int], int]) -> int:
        """Returns the batches that make an epoch.

        Args:
            lengths: Number of pairs by their lengths `(source, target)`.
        """
        pairs = Counter()
        for pair, count in lengths.items():
            pairs[self.bucket_of(*pair)] += count
        # Counts of sizes first: sums of fractions would be off by a rounding error.
        by_size = Counter()
        for bucket, count in pairs.items():
            by_size[self.batch_sizes[bucket]] += count
        return math.ceil(sum(count / size for size, count in by_size.items()))

    def padding(self, lengths: Mapping[tuple[int, int], int]) -> tuple[float, float]:
        """Returns the shares of the positions of source and target that are padding.

        They are what is to be expected of batches whose pairs are drawn by chance from their
        bucket.

        Args:
            lengths: Number of pairs by their lengths `(source, target)`.
        """
        return tuple(self._padding(lengths, side) for side in (0, 1))

    def _padding(self, lengths, side: int) -> float:
        histograms = [Counter() for _ in self.batch_sizes]
        for pair, count in lengths.items():
            histograms[self.bucket_of(*pair)][pair[side]] += count
        tokens = positions = 0
        for histogram, size in zip(histograms, self.batch_sizes, strict=True):
            if histogram:
                found = sorted(histogram)
                counts = np.array([histogram[length] for length in found])
                tokens += counts @ found
                positions += counts.sum() * expected_longest(np.array(found), counts, size)
        return float(1 - tokens / positions)


def expected_longest(lengths: np.ndarray, counts: np.ndarray, draws: int) -> np.ndarray:
    """Returns the mean of the longest of some draws, with replacement.

    Args:
        lengths: Increasing lengths, `(lengths,)`.
        counts: How often each occurs, `(..., lengths)`.
        draws: Number of draws.

    Returns:
        Array of the shape of `counts` less its last axis.
    """
    totals = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    # The longest is at most a length if all draws are.
    at_most = (np.cumsum(counts, axis=-1) / totals) ** draws
    return np.diff(at_most, axis=-1, prepend=0) @ lengths


_LARGEST_PADDING = 0.045


def propose_buckets(
    lengths: Mapping[tuple[int, int], int],
    batch_size: int = 32,
    largest_padding: float = _LARGEST_PADDING,
) -> tuple[tuple[int, int], ...]:
    """Proposes bucket boundaries with little padding.

    Starting with one bucket, the split that saves most padding, at a length of source or target,
    is made again and again, until the padding is little enough or no split leaves a batch in both
    parts. Boundaries for both sides apart are what makes it work: of two sentences with one
    meaning, one may be half as long as the other.

    Args:
        lengths: Number of pairs by their lengths `(source, target)`, such as
            `scan_parallel_text(...).lengths`.
        batch_size: Pairs in a batch.
        largest_padding: The share of padding to reach, from 0 to 1, of the positions of both
            sides.

    Returns:
        Boundaries `(source, target)` for `make_dataset`.
    """
    first = _Box(_table(lengths), 0, 0, batch_size)
    boxes = [first]
    tokens = sum(count * sum(pair) for pair, count in lengths.items())
    while 1 - tokens / sum(box.positions for box in boxes) > largest_padding:
        box = max(boxes, key=lambda box: box.saving)
        if not box.saving:
            break
        place = boxes.index(box)
        # The lower part comes first: its boundary does not fit any pair of the upper one.
        boxes[place : place + 1] = box.split()
    return tuple(box.boundary for box in boxes[:-1])


def _table(lengths: Mapping[tuple[int, int], int]) -> np.ndarray:
    """Returns the counts as an array `(source_length, target_length)`."""
    table = np.zeros(np.max(list(lengths), axis=0) + 1, dtype=np.int64)
    for pair, count in lengths.items():
        table[pair] = count
    return table


class _Box:
    """The pairs whose lengths are in a rectangle.

    Args:
        table: Their counts, an array `(source_length, target_length)`.
        source: The length of a source that the table's first row stands for.
        target: The length of a target that its first column stands for.
        batch_size: Pairs in a batch.

    Attributes:
        boundary: The lengths `(source, target)` that all pairs are below.
        positions: The positions that they take up in batches, of both sides, padding included.
        saving: How many of these the best split saves; 0 if no split leaves a batch in each part.
    """

    def __init__(self, table: np.ndarray, source: int, target: int, batch_size: int):
        self.boundary = (source + table.shape[0], target + table.shape[1])
        self._table = table
        self._first = (source, target)
        self._batch_size = batch_size
        longest = [
            expected_longest(np.arange(table.shape[axis]), table.sum(axis=1 - axis), batch_size)
            for axis in (0, 1)
        ]
        self.positions = float(table.sum() * (sum(longest) + sum(self._first)))
        self.saving, self._axis, self._place = max(self._best_split(axis) for axis in (0, 1))

    def split(self) -> "list[_Box]":
        """Returns the two parts of the best split, the lower one first."""
        low, high = np.split(self._table, [self._place], axis=self._axis)
        moved = list(self._first)
        moved[self._axis] += self._place
        return [_Box(low, *self._first, self._batch_size), _Box(high, *moved, self._batch_size)]

    def _best_split(self, axis: int) -> tuple[float, int, int]:
        """Returns the saving, the axis and the place of the best split along an axis."""
        table = self._table if axis == 0 else self._table.T
        if len(table) == 1:
            return 0.0, axis, 0
        places = np.arange(1, len(table))
        # For each place the counts of lengths of the split side, and of the other one.
        is_low = np.arange(len(table)) < places[:, None]
        split_side = table.sum(axis=1)
        low = np.cumsum(table, axis=0)[:-1]
        parts = [(split_side * is_low, low), (split_side * ~is_low, table.sum(axis=0) - low)]
        positions, fewest = 0.0, np.inf
        for side, other in parts:
            pairs = other.sum(axis=1)
            longest = sum(
                expected_longest(np.arange(counts.shape[1]), counts, self._batch_size)
                for counts in (side, other)
            )
            positions = positions + pairs * (longest + sum(self._first))
            fewest = np.minimum(fewest, pairs)
        saving = np.where(fewest >= self._batch_size, self.positions - positions, 0.0)
        best = int(np.argmax(saving))
        return max(float(saving[best]), 0.0), axis, int(places[best])
