"""The order of prepared records in training, as a function of seed, epoch and index.

An epoch is a random permutation of all blocks. Windows of `BLOCKS_PER_WINDOW` consecutive blocks of
this permutation are read one after the other, and the pairs of a window are permuted. Memory use is
therefore that of one window, and the shuffle is uniform if the corpus fits into one window. In a
larger corpus, pairs of the same block of lines stay within the same window, and the blocks of a
window are a random sample of the whole corpus.

The pairs then go into buckets. A bucket with enough pairs forms a batch, and the other pairs wait.
To start at any batch, its epoch, its window and the number of waiting pairs in each bucket are
computed from the numbers of pairs of each bucket in each block. Only the blocks of the window and
of the waiting pairs are read.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_seq2seq.data.records import Block

BLOCKS_PER_WINDOW = 128


class BatchOrder:
    """The batches of a stream of several epochs.

    Args:
        pairs: Number of pairs in each block, int64 of shape `(blocks,)`.
        pairs_of_buckets: Number of pairs of each bucket in each block, integers of shape `(blocks,
            buckets)`.
        read_block: Function that returns the `Block` of an index.
        buckets_of: Function that returns the buckets of the pairs of a block.
        batch_sizes: Number of pairs per batch, for each bucket.
        seed: The seed for shuffling; `None` for the order of the blocks.
        epochs: Number of epochs; `None` if the stream is endless.
        first_epoch: The number of the first epoch, which affects the shuffling.
    """

    def __init__(
        self,
        pairs: np.ndarray,
        pairs_of_buckets: np.ndarray,
        read_block: Callable[[int], Block],
        buckets_of: Callable[[Block], np.ndarray],
        batch_sizes: Sequence[int],
        seed: int | None,
        epochs: int | None,
        first_epoch: int = 0,
    ):
        self._pairs, self._pairs_of_buckets = pairs, pairs_of_buckets
        self._read_block, self._buckets_of = read_block, buckets_of
        self._sizes = np.array(batch_sizes)
        self._seed, self._epochs, self._first_epoch = seed, epochs, first_epoch
        self._totals = pairs_of_buckets.sum(axis=0, dtype=np.int64)

    def windows(self, first_batch: int = 0) -> Iterator[tuple[Block, list[np.ndarray]]]:
        """Yields the batches from a number on, in groups.

        Args:
            first_batch: Number of batches to skip at the beginning.

        Yields:
            Pairs, and the batches: the indices of the pairs of each.
        """
        epoch, window, complete = self._find(first_batch)
        waiting = self._waiting_before(epoch, window)
        skipped = first_batch - complete
        windows = -(-len(self._pairs) // BLOCKS_PER_WINDOW)
        while self._epochs is None or epoch < self._epochs:
            while window < windows:
                blocks, rows = self._read_window(epoch, window)
                # Waiting pairs come first.
                rows = np.concatenate([np.arange(len(waiting.lines)), rows + len(waiting.lines)])
                pairs = Block.concatenate([waiting, *blocks])
                batches, rest = self._batch(pairs, rows)
                if len(batches) > skipped:
                    yield pairs, batches[skipped:]
                skipped = max(skipped - len(batches), 0)
                waiting = pairs.take(rest)
                window += 1
            epoch, window = epoch + 1, 0
        buckets = self._buckets_of(waiting)
        batches = [np.flatnonzero(buckets == bucket) for bucket in np.unique(buckets)]
        if len(batches) > skipped:
            yield waiting, batches[skipped:]

    def _batch(self, pairs: Block, rows: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Returns the complete batches of pairs.

        Args:
            pairs: The pairs.
            rows: The indices of the pairs in the order of training.

        Returns:
            The indices of the pairs of each complete batch, and those of the rest.
        """
        buckets = self._buckets_of(pairs)[rows]
        by_bucket = np.argsort(buckets, kind="stable")
        ends = np.cumsum(np.bincount(buckets, minlength=len(self._sizes)))
        batches, rest = [], []
        for ranks, size in zip(np.split(by_bucket, ends[:-1]), self._sizes, strict=True):
            complete = len(ranks) // size * size
            batches += list(ranks[:complete].reshape(-1, size))
            rest.append(ranks[complete:])
        # A batch is complete with its last pair.
        batches.sort(key=lambda ranks: ranks[-1])
        return [rows[ranks] for ranks in batches], rows[np.sort(np.concatenate(rest))]

    def _find(self, batch: int) -> tuple[int, int, int]:
        """Returns the last epoch and window before which at most `batch` batches are complete.

        The third number is the number of complete batches.
        """
        epoch = int(batch / (self._totals / self._sizes).sum())
        # Not all pairs of earlier epochs are in complete batches, and division is not exact.
        while self._complete(epoch) <= batch:
            epoch += 1
        while epoch and self._complete(epoch) > batch:
            epoch -= 1
        if self._epochs is not None and epoch >= self._epochs:
            return self._epochs, 0, int(self._complete(self._epochs))
        before = np.cumsum(self._counts_of_windows(epoch), axis=0)
        before = np.concatenate([np.zeros_like(before[:1]), before[:-1]]) + epoch * self._totals
        complete = (before // self._sizes).sum(axis=1)
        window = int(np.searchsorted(complete, batch, side="right")) - 1
        return epoch, window, int(complete[window])

    def _complete(self, epochs: int) -> int:
        """Returns the number of complete batches of some epochs."""
        return (epochs * self._totals // self._sizes).sum()

    def _waiting_before(self, epoch: int, window: int) -> Block:
        """Returns the pairs that are waiting in buckets before a window, in order."""
        counts = self._counts_of_windows(epoch)
        missing = (epoch * self._totals + counts[:window].sum(axis=0)) % self._sizes
        parts = []
        while missing.any():
            if not window:
                epoch -= 1
                counts = self._counts_of_windows(epoch)
                window = len(counts)
            window -= 1
            needed = missing > 0
            if not counts[window, needed].any():
                continue
            blocks, rows = self._read_window(epoch, window, needed)
            pairs = Block.concatenate(blocks)
            buckets = self._buckets_of(pairs)[rows]
            ranks = [
                np.flatnonzero(buckets == bucket)[-missing[bucket] :]
                for bucket in np.flatnonzero(needed)
            ]
            parts.append(pairs.take(rows[np.sort(np.concatenate(ranks))]))
            missing = np.maximum(missing - counts[window], 0)
        return Block.concatenate(parts[::-1]) if parts else self._read_block(0).take(np.arange(0))

    def _read_window(
        self, epoch: int, window: int, needed: np.ndarray | None = None
    ) -> tuple[list[Block], np.ndarray]:
        """Reads the blocks of a window.

        Args:
            epoch: The epoch, starting at 0.
            window: The window.
            needed: Boolean of shape `(buckets,)`. If given, blocks without pairs of these buckets
                are skipped.

        Returns:
            The blocks, and the indices of their pairs in the order of training.
        """
        blocks = self._blocks(epoch)[window * BLOCKS_PER_WINDOW :][:BLOCKS_PER_WINDOW]
        counts = self._pairs[blocks]
        order = self._permute(counts.sum(), epoch, window + 1)
        if needed is not None:
            is_read = self._pairs_of_buckets[blocks][:, needed].any(axis=1)
            is_kept = np.repeat(is_read, counts)
            # The indices among the pairs that are kept.
            order = (np.cumsum(is_kept) - 1)[order[is_kept[order]]]
            blocks = blocks[is_read]
        return [self._read_block(int(block)) for block in blocks], order

    def _blocks(self, epoch: int) -> np.ndarray:
        """Returns the blocks in the order of an epoch."""
        return self._permute(len(self._pairs), epoch, 0)

    def _permute(self, size: int, epoch: int, number: int) -> np.ndarray:
        """Returns a permutation of `size` numbers, a function of the seed and two numbers."""
        if self._seed is None:
            return np.arange(size)
        # Unlike those of newer generators, its numbers are the same in all versions of NumPy.
        random = np.random.RandomState(
            [self._seed % 2**32, self._seed // 2**32 % 2**32, self._first_epoch + epoch, number]
        )
        return random.permutation(size)

    def _counts_of_windows(self, epoch: int) -> np.ndarray:
        """Returns the number of pairs of each bucket in each window, `(windows, buckets)`."""
        counts = self._pairs_of_buckets[self._blocks(epoch)]
        starts = np.arange(0, len(counts), BLOCKS_PER_WINDOW)
        return np.add.reduceat(counts, starts, axis=0, dtype=np.int64)
