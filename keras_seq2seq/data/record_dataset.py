"""A `tf.data` pipeline from prepared records to batches of ids."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_seq2seq.data.batching import Batching
from keras_seq2seq.data.record_order import BLOCKS_PER_WINDOW, BatchOrder
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.data.sequences import PaddedRows, starts_of
from keras_seq2seq.text import TextEncoder

# Number of batches that are passed from Python to TensorFlow at once. A call takes as long as
# padding a few hundred pairs.
_BATCHES_AT_ONCE = 64


class _Batches(NamedTuple):
    """Several batches, one after the other in flat arrays.

    Attributes:
        source_ids: int32 `(source ids,)`.
        target_ids: int32 `(target ids,)`.
        labels: int32 `(target ids,)`.
        lines: The line numbers, int64 `(pairs,)`.
        sizes: Numbers of source ids, target ids and lines of each batch, int32 `(3, batches)`.
        shapes: Shapes of the source and target ids of each batch, int32 `(2, batches, 2)`.
    """

    source_ids: np.ndarray
    target_ids: np.ndarray
    labels: np.ndarray
    lines: np.ndarray
    sizes: np.ndarray
    shapes: np.ndarray


_SIGNATURE = (
    *(tf.TensorSpec([None], dtype) for dtype in (tf.int32, tf.int32, tf.int32, tf.int64)),
    *(tf.TensorSpec(shape, tf.int32) for shape in ([3, None], [2, None, 2])),
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
    read_block = records.read_block
    if len(records.pairs_of_blocks) <= BLOCKS_PER_WINDOW:
        # The memory of one window is needed anyway, so a small corpus is decompressed only once.
        read_block = cache(read_block)

    def groups() -> Iterator[_Batches]:
        # A single epoch is numbered by the iteration, as with text.
        first_epoch = next(iterations) if epochs == 1 else 0
        order = BatchOrder(
            records.pairs_of_blocks,
            buckets,
            read_block,
            lambda pairs: buckets_of(np.stack([pairs.source.counts, pairs.target.counts], axis=1)),
            batching.batch_sizes,
            seed,
            epochs,
            first_epoch,
        )
        for pairs, batches in order.windows(skip_batches):
            sources = PaddedRows(pairs.source, source.max_length, source.reverse)
            targets = PaddedRows(pairs.target, target.max_length)
            parts = [rows[shard::num_shards] for rows in batches for shard in shards]
            for first in range(0, len(parts), _BATCHES_AT_ONCE):
                group = parts[first : first + _BATCHES_AT_ONCE]
                yield _flatten(group, sources, targets, pairs.lines)

    # The functions have no control flow for AutoGraph.
    @tf.autograph.experimental.do_not_convert
    def split(source_ids, target_ids, labels, lines, sizes, shapes) -> tf.data.Dataset:
        # Reading an entry of an array is faster than slicing.
        batches = tf.shape(sizes)[1]
        sources, targets, expected, numbers = (
            tf.TensorArray(values.dtype, batches, element_shape=[None]).split(values, sizes[row])
            for values, row in ((source_ids, 0), (target_ids, 1), (labels, 1), (lines, 2))
        )

        @tf.autograph.experimental.do_not_convert
        def get(index, source_shape, target_shape):
            features = {
                "source_ids": tf.reshape(sources.read(index), source_shape),
                "target_ids": tf.reshape(targets.read(index), target_shape),
            }
            batch = features, tf.reshape(expected.read(index), target_shape)
            return (*batch, numbers.read(index)) if line_numbers else batch

        places = tf.range(batches), *tf.unstack(shapes)
        return tf.data.Dataset.from_tensor_slices(places).map(get)

    dataset = tf.data.Dataset.from_generator(groups, output_signature=_SIGNATURE)
    # Padding continues while earlier batches are being used.
    dataset = dataset.prefetch(1).flat_map(split).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    # Nothing here needs tuning, which would take a tenth of the time.
    options.autotune.enabled = False
    return dataset.with_options(options)


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


def _flatten(
    batches: list[np.ndarray], sources: PaddedRows, targets: PaddedRows, lines: np.ndarray
) -> _Batches:
    """Returns padded batches, which are given by the indices of their pairs, in flat arrays."""
    rows = np.concatenate(batches)
    pairs = np.array(list(map(len, batches)))
    source_lengths, target_lengths = (
        _longest(side.lengths[rows], pairs) for side in (sources, targets)
    )
    target_widths = np.repeat(target_lengths, pairs)
    labels = targets.labels(rows, target_widths)
    sizes = np.stack([pairs * source_lengths, pairs * target_lengths, pairs])
    shapes = np.array([[pairs, source_lengths], [pairs, target_lengths]])
    return _Batches(
        sources.labels(rows, np.repeat(source_lengths, pairs)),
        targets.inputs(rows, target_widths, labels),
        labels,
        lines[rows],
        sizes.astype(np.int32),
        shapes.swapaxes(1, 2).astype(np.int32),
    )


def _longest(lengths: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Returns the length of each batch, 0 without pairs."""
    longest = np.zeros_like(pairs)
    has_pairs = pairs > 0
    longest[has_pairs] = np.maximum.reduceat(lengths, starts_of(pairs)[has_pairs])
    return longest
