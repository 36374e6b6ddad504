"""How pairs come together in batches."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


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
