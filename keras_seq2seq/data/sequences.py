"""Sequences of ids in one flat array, and their padded batches in NumPy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID


class Sequences(NamedTuple):
    """Sequences of ids, in rows of different lengths.

    Attributes:
        ids: The ids of all rows, one row after the other, integers of shape `(ids,)`.
        counts: Number of ids of each row, int64 of shape `(rows,)`.
    """

    ids: np.ndarray
    counts: np.ndarray

    @classmethod
    def concatenate(cls, parts: Sequence["Sequences"]) -> "Sequences":
        """Returns the rows of several sequences, one after the other."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def take(self, rows: np.ndarray) -> "Sequences":
        """Returns some of the rows, by their indices."""
        counts = self.counts[rows]
        # The new position of an id differs from the old one by the same number in all of a row.
        shifts = starts_of(self.counts)[rows] - starts_of(counts)
        return Sequences(self.ids[np.arange(counts.sum()) + np.repeat(shifts, counts)], counts)


class PaddedRows:
    """Rows of ids with an end token, truncated, and padded on the right.

    Args:
        sequences: The ids of the rows.
        max_length: Length at which rows are truncated, including the end token.
        reverse: Whether to reverse the order of the ids in each row.
    """

    def __init__(self, sequences: Sequences, max_length: int, reverse: bool = False):
        counts = np.minimum(sequences.counts, max_length - 1)
        starts = starts_of(sequences.counts)
        ids = sequences.ids
        if reverse:
            ids, starts = ids[::-1], len(ids) - starts - counts
        self.lengths = counts + 1
        self._starts = starts
        # Padding, so that as many ids as the longest row has can be read from each start.
        self._ids = np.concatenate([ids, np.zeros(self.lengths.max(initial=0), ids.dtype)])

    def labels(self, rows: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """Returns rows that end with the end token.

        Args:
            rows: The indices of the rows, `(rows,)`.
            widths: The length of each row after padding, int64 of shape `(rows,)`.

        Returns:
            The padded rows, one after the other, int32 of shape `(sum of widths,)`.
        """
        padded = np.empty(widths.sum(), np.int32)
        old_starts, new_starts, lengths = self._starts[rows], starts_of(widths), self.lengths[rows]
        for width in np.unique(widths):
            chosen = np.flatnonzero(widths == width)
            part = _windows(self._ids, width)[old_starts[chosen]]
            np.copyto(part, PADDING_ID, where=np.arange(width) >= lengths[chosen, None])
            _windows(padded, width)[new_starts[chosen]] = part
        padded[new_starts + lengths - 1] = END_ID
        return padded

    def inputs(self, rows: np.ndarray, widths: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Returns rows that begin with the start token instead.

        Args:
            rows: The indices of the rows.
            widths: The length of each row after padding.
            labels: The result of `labels`.
        """
        starts, lengths = starts_of(widths), self.lengths[rows]
        padded = np.empty_like(labels)
        padded[1:] = labels[:-1]
        # The end tokens of rows that fill their width are now at the start of the next row.
        has_padding = lengths < widths
        padded[(starts + lengths)[has_padding]] = PADDING_ID
        padded[starts] = START_ID
        return padded


def starts_of(counts: np.ndarray) -> np.ndarray:
    """Returns the index of the first item of each row, for each column if there are several."""
    return np.cumsum(counts, axis=0) - counts


def _windows(ids: np.ndarray, width: int) -> np.ndarray:
    """Returns a view with all parts of `width` consecutive ids, `(parts, width)`.

    Indexing it copies whole rows, which is much faster than indexing single ids.
    """
    shape = len(ids) - width + 1, width
    return np.ndarray(shape, ids.dtype, ids, strides=(ids.itemsize, ids.itemsize))
