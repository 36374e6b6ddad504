"""A `tf.data` pipeline from two line-aligned text files to batches of ids."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice

import tensorflow as tf

from keras_seq2seq.data.batching import validate_buckets
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.text_lines import is_gzip, open_text, read_lines
from keras_seq2seq.text import TextEncoder, Tokenizer, Vocabulary
from keras_seq2seq.text.deprecated import (
    FILE_KEYWORDS,
    LENGTH_KEYWORDS,
    SHARD_KEYWORDS,
    TEXT_KEYWORDS,
    accept_deprecated_keywords,
)
from keras_seq2seq.text.text_encoder import append_end, as_text_encoders, prepend_start

# Number of lines to tokenize with one call. Per-call overhead dominates for single lines: Multi30k
# takes 5,000 lines/s one by one and 45,000 lines/s in groups of 1,000.
_LINES_AT_ONCE = 1024

_IN_ORDER = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}

# The mapped functions have no control flow for AutoGraph, which would take seconds to run.
_without_autograph = tf.autograph.experimental.do_not_convert


@accept_deprecated_keywords(*FILE_KEYWORDS, *TEXT_KEYWORDS, *LENGTH_KEYWORDS, *SHARD_KEYWORDS)
def make_dataset(
    sources: str | os.PathLike,
    targets: str | os.PathLike,
    source: TextEncoder | Tokenizer | Vocabulary,
    target: TextEncoder | Tokenizer | Vocabulary,
    *,
    batch_size: int | Sequence[int] = 32,
    buckets: Sequence[int | str | tuple[int, int]] = (),
    shuffle: bool = False,
    shuffle_buffer: int = 100_000,
    seed: int = 0,
    epochs: int | None = 1,
    line_numbers: bool = False,
    shards: range = range(1),
    num_shards: int = 1,
) -> tf.data.Dataset:
    """Streams two line-aligned text files as batches of ids.

    Lines are read on demand, so memory use does not grow with the files. Pairs with an empty side
    are skipped. The files are not checked further: call `scan_parallel_text` first, which detects
    damaged files and files that do not match (of two files of different length, the rest of the
    longer one would be ignored).

    The batches depend only on the arguments and the files, not on the global seed, so
    `make_dataset(...).skip(n)` continues exactly where a run stopped after `n` batches. Each epoch
    is shuffled differently. Epochs form one continuous stream: a batch can contain the last pairs
    of one epoch and the first pairs of the next, and only the last batches of the dataset (one per
    bucket) can be smaller than `batch_size`.

    Args:
        sources: Source text file with one sequence per line, plain or `.gz`.
        targets: Target text file, line-aligned.
        source: How to encode the sources: a `TextEncoder`, a `Tokenizer` with a vocabulary, or a
            `Vocabulary`, whose tokens are separated by white space. The last two truncate at the
            default `max_length` of `TextEncoder`.
        target: The same for the targets, which cannot be reversed.
        batch_size: Number of pairs per batch, or a list with a number for each bucket.
        buckets: Increasing length boundaries. All pairs of a batch are in the same bucket, chosen
            by the length of the longer side, including the end token. `(10, 15)` makes three
            buckets: below 10, 10 to 14, and 15 or more. For separate boundaries for each side, see
            `validate_buckets` and `propose_buckets`. By default, batches follow the order of the
            lines.
        shuffle: Whether to shuffle the pairs.
        shuffle_buffer: Number of pairs held in memory for shuffling. The shuffle is uniform if the
            files have no more pairs than that.
        seed: Seed for shuffling.
        epochs: Number of passes over the files. `None` repeats forever.
        line_numbers: Whether to add a third item to each element, the line numbers of its pairs:
            int64 of shape `(batch,)`, starting at 1. The batches stay the same.
        shards: The shards of each batch to return, one after the other. Shard `i` consists of the
            pairs `i`, `i + num_shards`, `i + 2 * num_shards` and so on of the batch.
        num_shards: Number of shards to split each batch into, one for each device.

    Returns:
        A `tf.data.Dataset` of `({"source_ids": (batch, source_length), "target_ids": (batch,
        target_length)}, labels (batch, target_length))`, all int32, padded with 0 on the right.
        `source_ids` and `labels` end with the end token, `target_ids` begin with the start token.

    Raises:
        UserError: If a file cannot be opened or an argument is out of range.

    Example:

    >>> dataset = make_dataset(
    ...     "train.en.gz",
    ...     "train.de.gz",
    ...     TextEncoder(Vocabulary.load("vocab.en"), max_length=50, reverse=True),
    ...     CharacterTokenizer(Vocabulary.load("vocab.de")),
    ...     batch_size=64,
    ...     buckets=(10, 15, 20),
    ...     shuffle=True,
    ...     epochs=None,
    ... )
    >>> model.fit(dataset, steps_per_epoch=1000, epochs=5)
    """
    boundaries = validate_buckets(buckets)
    batch_sizes = _batch_sizes(batch_size, len(boundaries) + 1)
    _check_positive(shuffle_buffer=shuffle_buffer)
    _check_positive(epochs=1 if epochs is None else epochs)
    source, target = as_text_encoders(source, target)
    columns = [_read_lines(sources), _read_lines(targets)]
    if line_numbers:
        columns.append(tf.data.Dataset.counter(1))
    pairs = tf.data.Dataset.zip(tuple(columns))

    @_without_autograph
    def measure(source_lines, target_lines, *numbers):
        """Drops pairs with an empty side, and adds the index of the bucket of each pair."""
        source_counts = source.count_tokens(source_lines)
        target_counts = target.count_tokens(target_lines)
        lengths = source.lengths(source_counts), target.lengths(target_counts)
        usable = (source_counts > 0) & (target_counts > 0)
        columns = (source_lines, target_lines, *numbers, _find_buckets(*lengths, boundaries))
        return tuple(tf.boolean_mask(column, usable) for column in columns)

    @_without_autograph
    def encode(source_lines, target_lines, *numbers_and_buckets):
        source_ids, target_ids = source(source_lines), target(target_lines)
        features = {
            "source_ids": append_end(source_ids),
            "target_ids": prepend_start(target_ids),
        }
        *numbers, _ = numbers_and_buckets
        return features, append_end(target_ids), *numbers

    dataset = _repeat(pairs, epochs, shuffle_buffer if shuffle else None, seed)
    dataset = dataset.batch(_LINES_AT_ONCE).map(measure, **_IN_ORDER).unbatch()
    # Group lines instead of ids: grouping scalars is faster than padding sequences, even though
    # the lines are tokenized a second time in the next step.
    dataset = _group(dataset, batch_sizes)
    if num_shards > 1:
        dataset = dataset.flat_map(lambda *columns: _split_batch(columns, shards, num_shards))
    dataset = dataset.map(encode, **_IN_ORDER)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _read_lines(path: str | os.PathLike) -> tf.data.Dataset:
    open_text(path).close()
    # A file name is bytes, which need not be UTF-8.
    if not is_gzip(path):
        return tf.data.TextLineDataset(os.fsencode(path))
    # TensorFlow reads only the first members of some gzip files, and others forever.
    groups = tf.data.Dataset.from_generator(
        lambda: _groups_of_lines(path), output_signature=tf.TensorSpec([None], tf.string)
    )
    return groups.unbatch()


def _groups_of_lines(path: str | os.PathLike) -> Iterator[list[bytes]]:
    lines = read_lines(path)
    while group := [line.encode() for line in islice(lines, _LINES_AT_ONCE)]:
        yield group


def _repeat(
    pairs: tf.data.Dataset, epochs: int | None, shuffle_buffer: int | None, seed: int
) -> tf.data.Dataset:
    """Repeats the pairs, and shuffles each epoch by `seed` and its number if there is a buffer."""

    def read_epoch(epoch):
        if shuffle_buffer is None:
            return pairs
        # Within this function, this only sets the seed of its own graph. It makes the order
        # independent of the global seed, which may differ in a resumed program.
        tf.random.set_seed(1 + seed % (2**31 - 1))
        return pairs.shuffle(shuffle_buffer, seed=epoch, reshuffle_each_iteration=False)

    if epochs is not None:
        return tf.data.Dataset.range(epochs).flat_map(read_epoch)
    endless = tf.data.Dataset.counter().flat_map(read_epoch)
    return endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def _find_buckets(source_lengths, target_lengths, boundaries: tuple[tuple[int, int], ...]):
    """Returns the index of the first bucket that each pair fits into, `(pairs,)`."""
    limits = tf.constant([*boundaries, (tf.int32.max, tf.int32.max)])
    fits = (source_lengths[:, None] < limits[:, 0]) & (target_lengths[:, None] < limits[:, 1])
    return tf.argmax(tf.cast(fits, tf.int32), axis=1, output_type=tf.int32)


def _group(dataset: tf.data.Dataset, batch_sizes: list[int]) -> tf.data.Dataset:
    """Batches tuples by their last item, the index of the bucket."""
    if len(batch_sizes) == 1:
        return dataset.batch(batch_sizes[0])
    return dataset.bucket_by_sequence_length(
        lambda *columns: columns[-1],
        bucket_boundaries=list(range(1, len(batch_sizes))),
        bucket_batch_sizes=batch_sizes,
    )


def _batch_sizes(batch_size: int | Sequence[int], buckets: int) -> list[int]:
    sizes = [batch_size] * buckets if isinstance(batch_size, int) else list(batch_size)
    if len(sizes) != buckets:
        raise UserError(f"batch_size has {len(sizes)} values for {buckets} buckets")
    _check_positive(batch_size=min(sizes))
    return sizes


def _split_batch(columns: tuple[tf.Tensor, ...], shards: range, num_shards: int) -> tf.data.Dataset:
    """Returns the requested shards of one batch."""
    indices = tf.data.Dataset.range(shards.start, shards.stop)
    return indices.map(lambda index: tuple(column[index::num_shards] for column in columns))


def _check_positive(**values: int):
    for name, value in values.items():
        if value < 1:
            raise UserError(f"{name} is {value}; expected at least 1")
