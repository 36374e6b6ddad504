"""From two line-aligned text files to batches that a model can be fitted on."""

import os
from collections.abc import Sequence

import tensorflow as tf

from keras_seq2seq.data.batching import validate_buckets
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.text_lines import open_text
from keras_seq2seq.text.text_encoder import TextEncoder, with_end, with_start
from keras_seq2seq.text.tokenizers import get_tokenizer
from keras_seq2seq.text.vocabulary import Vocabulary

# Lines that are split into tokens by one call, since an operation costs more than its work on a
# line: Multi30k passes at 5,000 lines/s one by one and at 45,000 by the thousand.
_LINES_AT_ONCE = 1024

_IN_ORDER = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}

# What is mapped has no control flow for AutoGraph to find, which takes seconds.
_as_it_is = tf.autograph.experimental.do_not_convert


def make_dataset(
    source_file: str | os.PathLike,
    target_file: str | os.PathLike,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    *,
    source_tokenizer="whitespace",
    target_tokenizer="whitespace",
    batch_size: int | Sequence[int] = 32,
    buckets: Sequence[int | str | tuple[int, int]] = (),
    source_max_length: int = 40,
    target_max_length: int = 40,
    reverse_source: bool = False,
    shuffle: bool = False,
    shuffle_buffer: int = 100_000,
    seed: int = 0,
    epochs: int | None = 1,
    line_numbers: bool = False,
    parts: range = range(1),
    num_shards: int = 1,
) -> tf.data.Dataset:
    """Streams two line-aligned text files as batches of ids.

    Lines are read as they are needed, so memory does not grow with the files. Pairs with an empty
    side are skipped. Nothing else is checked here: call `scan_parallel_text` first, which finds
    damaged files and those that do not belong together (the longer one's rest would be ignored).

    The batches depend on the arguments and the files only, not on the global seed, so that
    `make_dataset(...).skip(n)` goes on exactly where a run stopped after `n` batches. Each epoch
    is shuffled by its own seed. Epochs follow one another as one stream: a batch may hold the
    last pairs of one epoch and the first ones of the next, and only the very last batches (one a
    bucket) may be smaller than `batch_size`.

    Args:
        source_file: Text with one sequence a line, plain or `.gz`.
        target_file: The text that belongs to it, line by line.
        source_vocabulary: `Vocabulary` of the sources.
        target_vocabulary: `Vocabulary` of the targets.
        source_tokenizer: A name or an object, see `get_tokenizer`.
        target_tokenizer: Likewise.
        batch_size: Pairs in a batch; a list has a number for each bucket.
        buckets: Growing length boundaries. A batch holds pairs of one bucket only; a pair's
            length is that of its longer side, the end token included. `(10, 15)` makes three:
            below 10, 10 to 14, 15 and more. Sides may have boundaries of their own, see
            `validate_buckets` and `propose_buckets`. Without, batches follow the order of the
            lines.
        source_max_length: The most ids of a source, the end token included; longer ones are cut
            and keep their end token.
        target_max_length: Likewise for targets.
        reverse_source: Whether to reverse the order of the source tokens (after cutting); the
            end token stays last.
        shuffle: Whether to shuffle the pairs.
        shuffle_buffer: Pairs held in memory for that; the order is perfectly random where the
            files have no more.
        seed: Seed of the shuffling.
        epochs: How often to read the files; `None` for ever.
        line_numbers: Whether elements have a third item, the lines that the pairs stand on:
            int64 `(batch,)`, counted from 1. The batches are the same.
        parts: Which parts of each batch are elements, one after the other. Part `i` of `n` has
            the pairs `i`, `i + n`, `i + 2 * n` and so on.
        num_shards: Into how many parts batches are cut, for as many devices.

    Returns:
        A `tf.data.Dataset` of `({"source_ids": (batch, source_length), "target_ids": (batch,
        target_length)}, labels (batch, target_length))`, all int32, padded with 0 on the right.
        `source_ids` and `labels` end with the end token, `target_ids` begin with the start token.

    Raises:
        UserError: If a file cannot be opened or an argument is out of range.

    Example:

    >>> dataset = make_dataset(
    ...     "train.en.gz", "train.de.gz", Vocabulary.load("vocab.en"), Vocabulary.load("vocab.de"),
    ...     batch_size=64, buckets=(10, 15, 20), shuffle=True, epochs=None,
    ... )
    >>> model.fit(dataset, steps_per_epoch=1000, epochs=5)
    """
    boundaries = validate_buckets(buckets)
    batch_sizes = _batch_sizes(batch_size, len(boundaries) + 1)
    _check_at_least(1, shuffle_buffer=shuffle_buffer)
    _check_at_least(1, epochs=1 if epochs is None else epochs)
    _check_at_least(2, source_max_length=source_max_length, target_max_length=target_max_length)
    source = TextEncoder(
        get_tokenizer(source_tokenizer), source_vocabulary, source_max_length, reverse_source
    )
    target = TextEncoder(get_tokenizer(target_tokenizer), target_vocabulary, target_max_length)
    columns = [_read_lines(source_file), _read_lines(target_file)]
    if line_numbers:
        columns.append(tf.data.Dataset.counter(1))
    pairs = tf.data.Dataset.zip(tuple(columns))

    @_as_it_is
    def measure(source_lines, target_lines, *numbers):
        """Drops pairs with an empty side, and adds the number of a pair's bucket."""
        source_counts = source.count_tokens(source_lines)
        target_counts = target.count_tokens(target_lines)
        lengths = source.lengths(source_counts), target.lengths(target_counts)
        usable = (source_counts > 0) & (target_counts > 0)
        columns = (source_lines, target_lines, *numbers, _find_buckets(*lengths, boundaries))
        return tuple(tf.boolean_mask(column, usable) for column in columns)

    @_as_it_is
    def encode(source_lines, target_lines, *numbers_and_buckets):
        source_ids, target_ids = source(source_lines), target(target_lines)
        features = {"source_ids": with_end(source_ids), "target_ids": with_start(target_ids)}
        *numbers, _ = numbers_and_buckets
        return features, with_end(target_ids), *numbers

    dataset = _repeat(pairs, epochs, shuffle_buffer if shuffle else None, seed)
    dataset = dataset.batch(_LINES_AT_ONCE).map(measure, **_IN_ORDER).unbatch()
    # Lines are grouped, not ids: scalars are quicker to group than sequences are to pad, even
    # though the lines are split a second time in the next step.
    dataset = _group(dataset, batch_sizes)
    if num_shards > 1:
        dataset = dataset.flat_map(lambda *columns: _cut(columns, parts, num_shards))
    dataset = dataset.map(encode, **_IN_ORDER)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _read_lines(path: str | os.PathLike) -> tf.data.Dataset:
    open_text(path).close()
    path = os.fspath(path)
    return tf.data.TextLineDataset(path, compression_type="GZIP" if path.endswith(".gz") else "")


def _repeat(
    pairs: tf.data.Dataset, epochs: int | None, shuffle_buffer: int | None, seed: int
) -> tf.data.Dataset:
    """Repeats the pairs, shuffled by the seed and the number of the epoch if there is a buffer."""

    def read_epoch(epoch):
        if shuffle_buffer is None:
            return pairs
        # Inside of this function, this sets the seed of its graph only. It keeps the global seed,
        # which a resumed program may have set otherwise, out of the order.
        tf.random.set_seed(1 + seed % (2**31 - 1))
        return pairs.shuffle(shuffle_buffer, seed=epoch, reshuffle_each_iteration=False)

    if epochs is not None:
        return tf.data.Dataset.range(epochs).flat_map(read_epoch)
    endless = tf.data.Dataset.counter().flat_map(read_epoch)
    return endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def _find_buckets(source_lengths, target_lengths, boundaries: tuple[tuple[int, int], ...]):
    """Returns the numbers of the buckets of pairs `(pairs,)`: the first that they fit in."""
    limits = tf.constant([*boundaries, (tf.int32.max, tf.int32.max)])
    fits = (source_lengths[:, None] < limits[:, 0]) & (target_lengths[:, None] < limits[:, 1])
    return tf.argmax(tf.cast(fits, tf.int32), axis=1, output_type=tf.int32)


def _group(dataset: tf.data.Dataset, batch_sizes: list[int]) -> tf.data.Dataset:
    """Batches tuples whose last item is the bucket, those of one bucket together."""
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
        raise UserError(f"batch_size has {len(sizes)} numbers for {buckets} buckets")
    _check_at_least(1, batch_size=min(sizes))
    return sizes


def _cut(columns: tuple[tf.Tensor, ...], parts: range, num_shards: int) -> tf.data.Dataset:
    """Returns parts of one batch."""
    numbers = tf.data.Dataset.range(parts.start, parts.stop)
    return numbers.map(lambda part: tuple(column[part::num_shards] for column in columns))


def _check_at_least(least: int, **values: int):
    for name, value in values.items():
        if value < least:
            raise UserError(f"{name} is {value}; expected at least {least}")
