"""A `tf.data` pipeline from prepared records to batches of ids."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_seq2seq.data.batching import Batching
from keras_seq2seq.data.record_order import BatchOrder
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.data.records import Block
from keras_seq2seq.data.sequences import start_instead_of_end, starts_of
from keras_seq2seq.text import TextEncoder

# Number of batches that are passed from Python to TensorFlow at once. A call takes as long as
# padding a few hundred pairs.
_BATCHES_AT_ONCE = 64


class _Matrices(NamedTuple):
    """Matrices in one flat array, one for each batch.

    Attributes:
        ids: The items of all matrices, `(items,)`.
        starts: Index of the first item of each matrix, int32 `(batches, 1)`.
        sizes: Number of its items, int32 `(batches, 1)`.
        shapes: Its numbers of rows and columns, int32 `(batches, 2)`.
    """

    ids: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    shapes: np.ndarray


_NUMBERS = [tf.TensorSpec([None, columns], tf.int32) for columns in (1, 1, 2)]

# Source ids, target ids, labels and line numbers.
_GROUP = tuple(
    _Matrices(tf.TensorSpec([None], dtype), *_NUMBERS)
    for dtype in (tf.int32, tf.int32, tf.int32, tf.int64)
)


def record_dataset(
    records: RecordPairs,
    source: TextEncoder,
    target: TextEncoder,
    batching: Batching,
    *,
    seed: int | None,
    epochs: int | None,
    line_numbers: bool,
    shards: range,
    num_shards: int,
    skip_batches: int,
) -> tf.data.Dataset:
    """Makes batches of ids from prepared records; see `make_dataset`.

    The batches are padded in NumPy, in a thread of the pipeline.

    Args:
        records: The records.
        source: The `TextEncoder` of the sources, with the tokenizer of the records.
        target: The `TextEncoder` of the targets.
        batching: The buckets and batch sizes.
        seed: Seed for shuffling; `None` keeps the order of the lines.
        epochs: Number of epochs; `None` repeats forever.
        line_numbers: Whether to add the line numbers to each element.
        shards: The shards of each batch to return.
        num_shards: Number of shards of each batch.
        skip_batches: Number of batches to skip at the beginning.
    """
    buckets_of = _make_classifier(batching, (source.max_length, target.max_length))
    buckets = records.count_per_block(buckets_of, len(batching.batch_sizes))
    iterations = count()

    def groups() -> Iterator[tuple[_Matrices, ...]]:
        # A single epoch is numbered by the iteration, as with text.
        first_epoch = next(iterations) if epochs == 1 else 0
        order = BatchOrder(
            records.pairs_of_blocks,
            buckets,
            records.read_block,
            lambda pairs: buckets_of(np.stack([pairs.source.counts, pairs.target.counts], axis=1)),
            batching.batch_sizes,
            seed,
            epochs,
            first_epoch,
        )
        for pairs, batches in order.windows(skip_batches):
            parts = [rows[shard::num_shards] for rows in batches for shard in shards]
            for first in range(0, len(parts), _BATCHES_AT_ONCE):
                yield _pad(pairs, parts[first : first + _BATCHES_AT_ONCE], source, target)

    # The functions have no control flow for AutoGraph.
    @tf.autograph.experimental.do_not_convert
    def split(*group: _Matrices) -> tf.data.Dataset:
        @tf.autograph.experimental.do_not_convert
        def get(*positions):
            source_ids, target_ids, labels, lines = (
                tf.reshape(tf.slice(matrices.ids, start, size), shape)
                for matrices, (start, size, shape) in zip(group, positions, strict=True)
            )
            features = {"source_ids": source_ids, "target_ids": target_ids}
            return (features, labels, lines[:, 0]) if line_numbers else (features, labels)

        positions = tuple(tuple(matrices[1:]) for matrices in group)
        return tf.data.Dataset.from_tensor_slices(positions).map(get)

    dataset = tf.data.Dataset.from_generator(groups, output_signature=_GROUP)
    # Padding continues while earlier batches are being used.
    return dataset.prefetch(1).flat_map(split).prefetch(tf.data.AUTOTUNE)


# Number of pairs of lengths for which the buckets are computed in advance.
_MAX_TABLE_SIZE = 2**20


def _make_classifier(
    batching: Batching, limits: tuple[int, int]
) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from numbers of tokens `(pairs, 2)` to buckets `(pairs,)`."""

    def lengths_of(token_counts: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.minimum(token_counts + 1, limits).T)

    if (limits[0] + 1) * (limits[1] + 1) > _MAX_TABLE_SIZE:
        return lambda token_counts: batching.buckets_of(*lengths_of(token_counts))
    table = batching.buckets_of(*np.indices((limits[0] + 1, limits[1] + 1)))
    return lambda token_counts: table[lengths_of(token_counts)]


def _pad(
    pairs: Block, batches: list[np.ndarray], source: TextEncoder, target: TextEncoder
) -> tuple[_Matrices, ...]:
    """Truncates and pads batches of pairs, which are given by their indices."""
    chosen = np.concatenate(batches)
    sources = pairs.source.take(chosen, source.max_length - 1)
    targets = pairs.target.take(chosen, target.max_length - 1)
    if source.reverse:
        sources = sources.reversed_rows()
    rows = np.array(list(map(len, batches)))
    source_lengths, target_lengths = (_longest(side.counts, rows) for side in (sources, targets))
    target_widths = np.repeat(target_lengths, rows)
    labels = targets.padded_with_end(target_widths)
    return (
        _matrices(sources.padded_with_end(np.repeat(source_lengths, rows)), rows, source_lengths),
        _matrices(start_instead_of_end(labels, target_widths), rows, target_lengths),
        _matrices(labels, rows, target_lengths),
        _matrices(pairs.lines[chosen], rows, np.ones_like(rows)),
    )


def _matrices(ids: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> _Matrices:
    sizes = rows * columns
    numbers = [np.stack(part, axis=1) for part in ([starts_of(sizes)], [sizes], [rows, columns])]
    return _Matrices(ids, *(part.astype(np.int32) for part in numbers))


def _longest(counts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns the length of each batch, including the start or end token; 0 without rows."""
    parts = np.split(counts, np.cumsum(rows)[:-1])
    return np.array([part.max() + 1 if len(part) else 0 for part in parts])
