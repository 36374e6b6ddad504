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

    def take(self, rows: np.ndarray, longest: int | None = None) -> "Sequences":
        """Returns some of the rows.

        Args:
            rows: The indices of the rows, int64.
            longest: Number of ids after which rows are truncated, at least 1. By default, they are
                not.
        """
        counts = self.counts[rows]
        if longest is not None:
            counts = np.minimum(counts, longest)
        return Sequences(self.ids[_positions(starts_of(self.counts)[rows], counts)], counts)

    def reversed_rows(self) -> "Sequences":
        """Returns the rows with their ids in reverse order."""
        last = starts_of(self.counts) + self.counts - 1
        backwards = _positions(np.zeros_like(last), self.counts)
        return Sequences(self.ids[np.repeat(last, self.counts) - backwards], self.counts)

    def padded_with_end(self, widths: np.ndarray) -> np.ndarray:
        """Adds the end token to each row, and pads the rows on the right.

        Args:
            widths: The length of each row after padding, int64 of shape `(rows,)`.

        Returns:
            The padded rows, one after the other, int32 of shape `(sum of widths,)`.
        """
        padded = np.full(widths.sum(), PADDING_ID, dtype=np.int32)
        starts = starts_of(widths)
        padded[_positions(starts, self.counts)] = self.ids
        padded[starts + self.counts] = END_ID
        return padded


def start_instead_of_end(padded: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Converts the result of `padded_with_end`: start tokens replace the end tokens.

    Args:
        padded: The padded rows, each with one end token.
        widths: The length of each row, int64 of shape `(rows,)`.

    Returns:
        An array of the same shape, where each row starts with the start token.
    """
    shifted = np.empty_like(padded)
    shifted[1:] = padded[:-1]
    shifted[shifted == END_ID] = PADDING_ID
    shifted[starts_of(widths)] = START_ID
    return shifted


def starts_of(counts: np.ndarray) -> np.ndarray:
    """Returns the index of the first item of each row."""
    return np.cumsum(counts) - counts


def _positions(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns `start, start + 1, ...` for each row, as many numbers as its count.

    A sum of differences takes half of the time of `numpy.arange` and `numpy.repeat`.
    """
    is_used = counts > 0
    starts, counts = starts[is_used], counts[is_used]
    positions = np.ones(counts.sum(), dtype=np.int64)
    positions[starts_of(counts)] = np.diff(starts, prepend=0)
    positions[starts_of(counts)[1:]] -= counts[:-1] - 1
    return np.cumsum(positions, out=positions)
