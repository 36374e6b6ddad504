"""A `tf.data` pipeline from prepared records to batches of ids."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_seq2seq.data.batching import Batching
from keras_seq2seq.data.record_order import BatchOrder
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.data.records import Block
from keras_seq2seq.text import TextEncoder

# Number of batches that are passed from Python to TensorFlow at once. A call takes as long as
# padding some hundred pairs.
_BATCHES_AT_ONCE = 64


class _Group(NamedTuple):
    """Padded batches in flat arrays.

    Attributes:
        shapes: Rows, source length and target length of each batch, int32 `(batches, 3)`.
        starts: Index of the first row, source id and target id of each batch, `(batches, 3)`.
        source_ids: int32 `(ids,)`.
        target_ids: int32 `(ids,)`, with start tokens.
        labels: int32 `(ids,)`, with end tokens.
        lines: Line numbers, int64 `(rows,)`.
    """

    shapes: np.ndarray
    starts: np.ndarray
    source_ids: np.ndarray
    target_ids: np.ndarray
    labels: np.ndarray
    lines: np.ndarray


_SPEC = _Group(
    tf.TensorSpec([None, 3], tf.int32),
    tf.TensorSpec([None, 3], tf.int32),
    *[tf.TensorSpec([None], tf.int32)] * 3,
    tf.TensorSpec([None], tf.int64),
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
        skip_batches: Number of batches to leave out at the beginning.
    """
    limits = source.max_length, target.max_length

    def buckets_of(token_counts: np.ndarray) -> np.ndarray:
        return batching.buckets_of(*np.minimum(token_counts + 1, limits).T)

    buckets = records.count_per_block(buckets_of, len(batching.batch_sizes))
    iterations = count()

    def groups() -> Iterator[_Group]:
        # A single epoch has the number of the iteration, as with text.
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
    def split(*arrays) -> tf.data.Dataset:
        group = _Group(*arrays)

        @tf.autograph.experimental.do_not_convert
        def get(shape, start):
            rows, source_length, target_length = tf.unstack(shape)
            first_row, first_source, first_target = tf.unstack(start)

            def matrix(ids, first, length):
                return tf.reshape(tf.slice(ids, [first], [rows * length]), [rows, length])

            features = {
                "source_ids": matrix(group.source_ids, first_source, source_length),
                "target_ids": matrix(group.target_ids, first_target, target_length),
            }
            labels = matrix(group.labels, first_target, target_length)
            if line_numbers:
                return features, labels, tf.slice(group.lines, [first_row], [rows])
            return features, labels

        return tf.data.Dataset.from_tensor_slices((group.shapes, group.starts)).map(get)

    dataset = tf.data.Dataset.from_generator(groups, output_signature=tuple(_SPEC))
    # Padding goes on while the batches before are being used.
    return dataset.prefetch(1).flat_map(split).prefetch(tf.data.AUTOTUNE)


def _pad(
    pairs: Block, batches: list[np.ndarray], source: TextEncoder, target: TextEncoder
) -> _Group:
    """Truncates and pads batches of pairs, which are given by their indices."""
    chosen = pairs.take(np.concatenate(batches))
    sources = chosen.source.cut(source.max_length - 1)
    targets = chosen.target.cut(target.max_length - 1)
    if source.reverse:
        sources = sources.reversed_rows()
    rows = np.array(list(map(len, batches)))
    source_lengths = _longest(sources.counts, rows)
    target_lengths = _longest(targets.counts, rows)
    shapes = np.stack([rows, source_lengths, target_lengths], axis=1)
    sizes = np.stack([rows, rows * source_lengths, rows * target_lengths], axis=1)
    source_widths, target_widths = (
        np.repeat(lengths, rows) for lengths in (source_lengths, target_lengths)
    )
    return _Group(
        shapes.astype(np.int32),
        (np.cumsum(sizes, axis=0) - sizes).astype(np.int32),
        sources.padded(source_widths, start=False, end=True),
        targets.padded(target_widths, start=True, end=False),
        targets.padded(target_widths, start=False, end=True),
        chosen.lines,
    )


def _longest(counts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns the length of each batch, including the start or end token; 0 without rows."""
    parts = np.split(counts, np.cumsum(rows)[:-1])
    return np.array([part.max() + 1 if len(part) else 0 for part in parts])
