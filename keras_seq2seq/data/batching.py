"""Length buckets and batch sizes."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import numpy as np

from keras_seq2seq.errors import UserError

_EXAMPLE = "expected increasing whole numbers such as 10,15,20"
_PAIR_EXAMPLE = "expected lengths of source and target such as 10x12"


def validate_buckets(buckets: Iterable[int | str | tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Checks the boundaries of length buckets.

    `N` boundaries make `N + 1` buckets. A pair goes into the first bucket whose boundary exceeds
    both of its lengths, or else into the last one. So `(10, 15)` makes buckets for lengths below
    10, from 10 to 14, and of 15 or more, by the longer side; and `("10x12", 15)` starts with
    sources below 10 with targets below 12.

    Args:
        buckets: The boundaries: an integer for both sides, or separate integers for source and
            target, as a tuple or a string such as "10x12". Integers must be positive, and those
            for both sides must increase. No boundaries make a single bucket.

    Returns:
        The boundaries as tuples `(source, target)`.

    Raises:
        UserError: If a boundary is not a positive integer, or would make an empty bucket.

    Example:
        >>> validate_buckets((10, "12x15"))
        ((10, 10), (12, 15))
    """
    boundaries = tuple(buckets)
    checked = tuple(_read_boundary(boundary) for boundary in boundaries)
    if all(isinstance(boundary, Integral) for boundary in boundaries):
        for lower, upper in pairwise(boundaries):
            if lower == upper:
                raise UserError(f"buckets: {upper} occurs twice; {_EXAMPLE}")
            if lower > upper:
                raise UserError(f"buckets: {upper} comes after {lower}; {_EXAMPLE}")
    for index, (source, target) in enumerate(checked):
        for earlier_source, earlier_target in checked[:index]:
            if source <= earlier_source and target <= earlier_target:
                raise UserError(
                    f"buckets: {source}x{target} would always be empty, since it comes after "
                    f"{earlier_source}x{earlier_target}"
                )
    return checked


def _read_boundary(boundary) -> tuple[int, int]:
    example = _EXAMPLE
    if isinstance(boundary, str) and "x" in boundary:
        example = _PAIR_EXAMPLE
        sides = boundary.split("x")
        if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
            raise UserError(f"buckets: {boundary!r} is not a pair of whole numbers; {example}")
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
    """Buckets, and the batch size of each.

    Attributes:
        buckets: Boundaries as returned by `validate_buckets`, one fewer than there are buckets.
        batch_sizes: Number of pairs per batch, for each bucket.
    """

    buckets: tuple[tuple[int, int], ...]
    batch_sizes: tuple[int, ...]

    @classmethod
    def of_pairs(cls, buckets: tuple[tuple[int, int], ...], pairs: int) -> "Batching":
        """Returns batches with the same number of pairs in all buckets."""
        return cls(buckets, (pairs,) * (len(buckets) + 1))

    @classmethod
    def of_tokens(
        cls,
        buckets: tuple[tuple[int, int], ...],
        tokens: int,
        source_max_length: int,
        target_max_length: int,
    ) -> "Batching":
        """Returns batches with at most `tokens` tokens per side, including padding.

        This bounds the memory use. A pair longer than that makes a batch of its own.
        """
        sizes = []
        for source, target in (*buckets, (source_max_length + 1, target_max_length + 1)):
            longest = max(min(source - 1, source_max_length), min(target - 1, target_max_length))
            sizes.append(max(1, tokens // max(longest, 1)))
        return cls(buckets, tuple(sizes))

    def on(self, devices: int) -> "Batching":
        """Returns the global batches for several devices: `devices` times as many pairs."""
        return Batching(self.buckets, tuple(size * devices for size in self.batch_sizes))

    def bucket_of(self, source_length: int, target_length: int) -> int:
        """Returns the index of the bucket that a pair belongs to."""
        for index, (source, target) in enumerate(self.buckets):
            if source_length < source and target_length < target:
                return index
        return len(self.buckets)

    def buckets_of(self, source_lengths: np.ndarray, target_lengths: np.ndarray) -> np.ndarray:
        """Returns the index of the bucket of each pair, int16 of the shape of the arguments."""
        buckets = np.full(source_lengths.shape, len(self.buckets), dtype=np.int16)
        for index, (source, target) in reversed(list(enumerate(self.buckets))):
            buckets[(source_lengths < source) & (target_lengths < target)] = index
        return buckets

    def steps_per_epoch(self, lengths: Mapping[tuple[int, int], int]) -> int:
        """Returns the number of batches per epoch.

        Args:
            lengths: Number of pairs by their lengths `(source, target)`.
        """
        # Grouped by size first, since summing fractions would accumulate rounding errors.
        by_size = Counter()
        for bucket, count in self._count_pairs(lengths).items():
            by_size[self.batch_sizes[bucket]] += count
        return math.ceil(sum(count / size for size, count in by_size.items()))

    def count_batches(self, lengths: Mapping[tuple[int, int], int], epochs: int) -> int:
        """Returns the number of batches of a stream of several epochs.

        Args:
            lengths: Number of pairs per epoch by their lengths `(source, target)`.
            epochs: Number of epochs.
        """
        return sum(
            math.ceil(count * epochs / self.batch_sizes[bucket])
            for bucket, count in self._count_pairs(lengths).items()
        )

    def _count_pairs(self, lengths: Mapping[tuple[int, int], int]) -> Counter[int]:
        """Returns the number of pairs of each bucket."""
        pairs = Counter()
        for pair, count in lengths.items():
            pairs[self.bucket_of(*pair)] += count
        return pairs

    def padding(self, lengths: Mapping[tuple[int, int], int]) -> tuple[float, float]:
        """Returns the fractions of source and target positions that are padding.

        These are expected values for batches whose pairs are drawn at random from their bucket.

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
    """Returns the expected maximum of a number of draws with replacement.

    Args:
        lengths: Increasing lengths, shape `(lengths,)`.
        counts: Number of occurrences of each length, shape `(..., lengths)`.
        draws: Number of draws.

    Returns:
        Array with the shape of `counts` without its last axis.
    """
    totals = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    # The maximum is at most a length if all draws are.
    at_most = (np.cumsum(counts, axis=-1) / totals) ** draws
    return np.diff(at_most, axis=-1, prepend=0) @ lengths


_MAX_PADDING = 0.045

# Time and memory are quadratic in the number of lengths that are told apart.
_MAX_LENGTHS = 1000


def propose_buckets(
    lengths: Mapping[tuple[int, int], int],
    batch_size: int = 32,
    largest_padding: float = _MAX_PADDING,
) -> tuple[tuple[int, int], ...]:
    """Proposes bucket boundaries with little padding.

    Starting with a single bucket, the split (at a source or target length) that saves the most
    padding is applied repeatedly, until the padding is low enough or no split leaves a full batch
    in both parts. Separate boundaries for each side matter, since the lengths of translations
    differ.

    Args:
        lengths: Number of pairs by their lengths `(source, target)`, such as
            `scan_parallel_text(...).lengths`.
        batch_size: Number of pairs per batch.
        largest_padding: The fraction of padding to reach, from 0 to 1, over both sides.

    Returns:
        Boundaries `(source, target)` for `make_dataset`.

    Example:
        >>> lengths = scan_parallel_text("train.de", "train.en", source, target).lengths
        >>> make_dataset("train.de", "train.en", source, target, buckets=propose_buckets(lengths))
    """
    steps = tuple(
        max(1, math.ceil(max(side) / _MAX_LENGTHS)) for side in zip(*lengths, strict=True)
    )
    # Lengths are rounded up to multiples of the step, which is 1 unless there are very long ones.
    cells = Counter()
    for pair, count in lengths.items():
        cells[tuple(-(-length // step) for length, step in zip(pair, steps, strict=True))] += count
    boxes = [_Box(_table(cells), (0, 0), steps, batch_size)]
    tokens = sum(count * (cell[0] * steps[0] + cell[1] * steps[1]) for cell, count in cells.items())
    while 1 - tokens / sum(box.positions for box in boxes) > largest_padding:
        box = max(boxes, key=lambda box: box.saving)
        if not box.saving:
            break
        index = boxes.index(box)
        # The lower part comes first, since none of the pairs of the upper part fits its boundary.
        boxes[index : index + 1] = box.split()
    return tuple(box.boundary for box in boxes[:-1])


def _table(cells: Mapping[tuple[int, int], int]) -> np.ndarray:
    """Returns the counts as an array `(source_length, target_length)`."""
    table = np.zeros(np.max(list(cells), axis=0) + 1, dtype=np.int64)
    for cell, count in cells.items():
        table[cell] = count
    return table


class _Box:
    """The pairs whose lengths are within a rectangle.

    Args:
        table: Number of pairs, array of shape `(source_length, target_length)`.
        first: The numbers `(row, column)` of its first cell in the table of all pairs.
        steps: The difference in source length between two rows, and in target length between two
            columns.
        batch_size: Number of pairs per batch.

    Attributes:
        boundary: Exclusive upper limits `(source, target)` of the lengths.
        positions: Number of positions of the pairs in batches, over both sides, including padding.
        saving: Number of positions that the best split saves; 0 if no split leaves a full batch in
            both parts.
    """

    def __init__(
        self, table: np.ndarray, first: tuple[int, int], steps: tuple[int, int], batch_size: int
    ):
        self._table = table
        self._first, self._steps = first, steps
        self._batch_size = batch_size
        self.boundary = tuple(
            (start + size - 1) * step + 1
            for start, size, step in zip(first, table.shape, steps, strict=True)
        )
        # The sum of both lengths in the first cell.
        self._shortest = sum(start * step for start, step in zip(first, steps, strict=True))
        longest = [self._expected_longest(axis, table.sum(axis=1 - axis)) for axis in (0, 1)]
        self.positions = float(table.sum() * (sum(longest) + self._shortest))
        self.saving, self._axis, self._index = max(self._best_split(axis) for axis in (0, 1))

    def split(self) -> "list[_Box]":
        """Returns the two parts of the best split, the lower one first."""
        low, high = np.split(self._table, [self._index], axis=self._axis)
        moved = list(self._first)
        moved[self._axis] += self._index
        options = self._steps, self._batch_size
        return [_Box(low, self._first, *options), _Box(high, tuple(moved), *options)]

    def _expected_longest(self, axis: int, counts: np.ndarray) -> np.ndarray:
        """Returns the expected maximum length of a batch along an axis, minus that of `_first`."""
        lengths = self._steps[axis] * np.arange(counts.shape[-1])
        return expected_longest(lengths, counts, self._batch_size)

    def _best_split(self, axis: int) -> tuple[float, int, int]:
        """Returns the saving, the axis and the index of the best split along an axis."""
        table = self._table if axis == 0 else self._table.T
        if len(table) == 1:
            return 0.0, axis, 0
        splits = np.arange(1, len(table))
        # For each index of a split: the counts of lengths on the split side and on the other side.
        is_low = np.arange(len(table)) < splits[:, None]
        split_side = table.sum(axis=1)
        low = np.cumsum(table, axis=0)[:-1]
        parts = [(split_side * is_low, low), (split_side * ~is_low, table.sum(axis=0) - low)]
        positions, fewest = 0.0, np.inf
        for side, other in parts:
            pairs = other.sum(axis=1)
            longest = self._expected_longest(axis, side) + self._expected_longest(1 - axis, other)
            positions = positions + pairs * (longest + self._shortest)
            fewest = np.minimum(fewest, pairs)
        saving = np.where(fewest >= self._batch_size, self.positions - positions, 0.0)
        best = int(np.argmax(saving))
        return max(float(saving[best]), 0.0), axis, int(splits[best])
