"""Buckets that fit a text."""

from collections.abc import Mapping

import numpy as np

from keras_seq2seq.data.batching import expected_longest

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
