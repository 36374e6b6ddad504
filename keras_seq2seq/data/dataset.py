"""A `tf.data` pipeline from pairs of lines to batches of ids."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from numbers import Integral
from typing import Any

import numpy as np
import tensorflow as tf

from keras_seq2seq.data.batching import Batching, propose_buckets, validate_buckets
from keras_seq2seq.data.parallel_text import (
    MANY,
    NEARLY_ALL,
    ParallelTextSummary,
    is_scanned,
    scan_pairs,
)
from keras_seq2seq.data.record_dataset import record_dataset
from keras_seq2seq.data.record_pairs import RecordPairs, as_data
from keras_seq2seq.errors import UserError, check_at_least, check_seed
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
    sources: Any,
    targets: Any,
    source: TextEncoder | Tokenizer | Vocabulary,
    target: TextEncoder | Tokenizer | Vocabulary,
    *,
    batch_size: int | Sequence[int] = 32,
    buckets: str | Sequence[int | str | tuple[int, int]] = (),
    shuffle: bool = False,
    shuffle_buffer: int = 100_000,
    seed: int = 0,
    epochs: int | None = 1,
    line_numbers: bool = False,
    shards: range = range(1),
    num_shards: int = 1,
    skip_batches: int = 0,
) -> tf.data.Dataset:
    """Makes batches of ids from pairs of lines, for `fit` and `evaluate`.

    The text of each side comes from files or from memory:

    * A string or a `pathlib.Path` is the name of a file, plain, `.gz`, `.zst` or `.xz`, with one
      sequence per line. A list of `Path` objects is a list of files. A string can also be a pattern
      such as `"train.*.en"`, unless there is a file of that name; the files that match are read in
      the order of their names.
    * Any other sequence of strings is text: a list, a tuple, a NumPy array, a column of a pandas or
      polars DataFrame or of a Hugging Face dataset.

    Both sides can also come from one object:

    * A table with two columns: `make_dataset(frame, ("en", "de"), ...)`. The table is a DataFrame,
      a split of a Hugging Face dataset, or a dictionary of columns.
    * Tables in files: `make_dataset("pairs.tsv", ("en", "de"), ...)`. The columns are given by
      names, or by numbers starting with 1. The name of the file ends in `.tsv`, `.csv`, `.jsonl`,
      `.ndjson`, `.parquet` or `.tfrecord`, possibly followed by a compression suffix such as
      `.gz`. For several tables, pass a pattern or a list of `Path` objects.
    * Pairs: `make_dataset(pairs, None, ...)`. This is a list of pairs of strings, a generator
      function (or any other function that returns a new iterator over pairs at each call), or a
      `tf.data.Dataset` of pairs of scalar strings.
    * Prepared records: `make_dataset("prepared", None, ...)`. This is a directory that
      `prepare_records` or `keras-seq2seq prepare` has written with the same tokenizers, a list of
      such directories, or `RecordPairs` with weights. Nothing is tokenized or checked again, and
      the shuffle covers the whole corpus.

    Files, generators and datasets are read on demand, so memory use does not grow with them. Pairs
    with an empty side are skipped.

    Text in files and in memory is first read once, at about 100,000 pairs per second, to check it
    as `scan_parallel_text` does and to count the batches (`cardinality`), which `fit` needs. An
    endless stream from files (`epochs=None`, without `buckets="auto"`) starts at once: only the
    numbers of lines are compared. A `UserWarning` is issued if the default `max_length` of
    `TextEncoder` truncates more than 10 % of the sequences of a side.

    The batches depend only on the arguments and the text, not on the global seed. By default, a
    dataset is one epoch, as Keras expects. With `shuffle=True`, its order differs each time it is
    iterated, such as in the epochs of `fit(dataset, epochs=10)`. The order is a function of the
    seed and the number of the iteration, starting from 0 in a new dataset: to continue training
    with a new dataset, choose another seed. The last batch of each bucket can be smaller than
    `batch_size`, which is why a stream (see below) trains better on little data.

    With another value of `epochs`, the dataset is one continuous stream that is the same in each
    iteration: a batch can contain the last pairs of one epoch and the first pairs of the next, and
    only the last batches of the stream (one per bucket) can be smaller than `batch_size`.
    `make_dataset(...).skip(n)` continues exactly where a run stopped after `n` batches.

    Text encoders with `sampling_alpha` sample if `shuffle=True`, that is, in training. What they
    sample depends on the seed and the number of the batch, except with BPE models, which TensorFlow
    Text samples without a seed.

    Args:
        sources: The source text, or both sides in one object, see above.
        targets: The target text, with as many lines; the names of the source and target columns if
            `sources` is a table; `None` if `sources` consists of pairs.
        source: How to encode the sources: a `TextEncoder`, a `Tokenizer` with a vocabulary, or a
            `Vocabulary`, whose tokens are separated by whitespace. The last two truncate at the
            default `max_length` of `TextEncoder`.
        target: The same for the targets, which cannot be reversed.
        batch_size: Number of pairs per batch, or a list with a number for each bucket.
        buckets: Increasing length boundaries. All pairs of a batch are in the same bucket, chosen
            by the length of the longer side, including the end token. `(10, 15)` makes three
            buckets: below 10, 10 to 14, and 15 or more. For separate boundaries for each side, see
            `validate_buckets`. `"auto"` chooses boundaries with little padding, see
            `propose_buckets`; this needs finite data. By default, batches follow the order of the
            lines.
        shuffle: Whether to shuffle the pairs.
        shuffle_buffer: Number of pairs held in memory for shuffling. The shuffle is uniform if the
            buffer holds all pairs. With buckets, the batches of an epoch are shuffled too, as many
            at a time as contain that number of pairs.
        seed: Seed for shuffling.
        epochs: Number of passes over the text. `None` repeats forever.
        line_numbers: Whether to add a third item to each element, the line numbers of its pairs:
            int64 of shape `(batch,)`, starting at 1. The batches stay the same.
        shards: The shards of each batch to return, one after the other. Shard `i` consists of the
            pairs `i`, `i + num_shards`, `i + 2 * num_shards` and so on of the batch.
        num_shards: Number of shards to split each batch into, one for each device.
        skip_batches: Number of batches to skip at the beginning. With prepared records, this reads
            almost nothing; text is read again.

    Returns:
        A `tf.data.Dataset` of `({"source_ids": (batch, source_length), "target_ids": (batch,
        target_length)}, labels (batch, target_length))`, all int32, padded with 0 on the right.
        `source_ids` and `labels` end with the end token, `target_ids` begin with the start token.

    Raises:
        TypeError: If text in memory contains anything other than strings, or if an argument has
            the wrong type. The message contains the index.
        InputError: If there is no usable pair, or not the same number of sources and targets. This
            is both a `ValueError` and a `UserError`.
        UserError: If a file cannot be opened or an argument is out of range.

    Example:

    >>> sources, targets = ["ein mann schläft .", "ein hund ."], ["a man sleeps .", "a dog ."]
    >>> dataset = make_dataset(
    ...     sources,
    ...     targets,
    ...     WhitespaceTokenizer.build(sources),
    ...     WhitespaceTokenizer.build(targets),
    ...     shuffle=True,
    ... )
    >>> model.fit(dataset, epochs=5)

    From files, in an endless stream:

    >>> dataset = make_dataset(
    ...     "train.en.gz",
    ...     "train.de.gz",
    ...     TextEncoder(Vocabulary.load("vocab.en"), max_length=50, reverse=True),
    ...     CharacterTokenizer(Vocabulary.load("vocab.de")),
    ...     batch_size=64,
    ...     buckets="auto",
    ...     shuffle=True,
    ...     epochs=None,
    ... )
    >>> model.fit(dataset, steps_per_epoch=1000, epochs=5)
    """
    check_at_least(1, shuffle_buffer=shuffle_buffer, num_shards=num_shards)
    check_at_least(1, epochs=1 if epochs is None else epochs)
    check_at_least(0, skip_batches=skip_batches)
    seed = check_seed(seed)
    is_range = isinstance(shards, range) and shards.step == 1
    if not is_range or not 0 <= shards.start < shards.stop <= num_shards:
        raise UserError(f"shards is {shards!r}; expected a part of range({num_shards})")
    # Truncation at a length that was chosen is expected; at the default, it may be a surprise.
    with_default_length = [
        side
        for side, encoder in (("source", source), ("target", target))
        if not isinstance(encoder, TextEncoder)
    ]
    source, target = as_text_encoders(source, target)
    text = as_data(sources, targets)
    is_auto = isinstance(buckets, str) and buckets == "auto"
    # Generators and datasets may differ from one iteration to the next.
    has_cardinality = text.is_repeatable and epochs is not None
    are_records = isinstance(text, RecordPairs)
    if is_auto or text.is_in_memory or has_cardinality or are_records:
        was_scanned = is_scanned(text)
        summary = scan_pairs(text, source, target)
        lengths = summary.lengths
        if not was_scanned:
            _warn_of_truncation(summary, with_default_length)
    elif not is_scanned(text):
        text.check_counts()
    if is_auto:
        buckets = propose_buckets(lengths, _one_batch_size(batch_size))
    if isinstance(buckets, (str, Integral)):
        raise UserError(f'buckets is {buckets!r}; expected "auto" or a list of lengths')
    boundaries = validate_buckets(buckets)
    batch_sizes = _batch_sizes(batch_size, len(boundaries) + 1)
    batching = Batching(boundaries, tuple(batch_sizes))
    cardinality = tf.data.INFINITE_CARDINALITY
    if has_cardinality:
        batches = batching.count_batches(lengths, epochs)
        cardinality = max(batches - skip_batches, 0) * len(shards)
    if are_records:
        dataset = record_dataset(
            text,
            source,
            target,
            batching,
            seed=seed if shuffle else None,
            epochs=epochs,
            line_numbers=line_numbers,
            shards=shards,
            num_shards=num_shards,
            skip_batches=skip_batches,
        )
        return dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
    pairs = text.numbered_dataset() if line_numbers else text.dataset()

    @_without_autograph
    def measure(source_lines, target_lines, *numbers):
        """Drops pairs with an empty side, and adds the index of the bucket of each pair."""
        source_counts = source.count_tokens(source_lines)
        target_counts = target.count_tokens(target_lines)
        lengths = source.lengths(source_counts), target.lengths(target_counts)
        usable = (source_counts > 0) & (target_counts > 0)
        columns = (source_lines, target_lines, *numbers, _find_buckets(*lengths, boundaries))
        return tuple(tf.boolean_mask(column, usable) for column in columns)

    is_sampled = shuffle and bool(source.sampling_alpha or target.sampling_alpha)

    @_without_autograph
    def encode(source_lines, target_lines, *numbers_and_buckets):
        if is_sampled:
            *numbers_and_buckets, draws = numbers_and_buckets
            source_ids = source.sample(source_lines, draws[:, 0])
            target_ids = target.sample(target_lines, draws[:, 1])
        else:
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
    if shuffle and epochs == 1 and boundaries:
        # The last batch of each bucket may be smaller. Without this, these would all be at the end.
        buffer = max(1, shuffle_buffer // max(batch_sizes))
        dataset = _for_each_iteration(partial(_shuffle, dataset, buffer, seed))
    if is_sampled:
        dataset = _add_random_numbers(dataset, seed)
    if skip_batches:
        dataset = dataset.skip(skip_batches)
    if num_shards > 1:
        dataset = dataset.flat_map(lambda *columns: _split_batch(columns, shards, num_shards))
    dataset = dataset.map(encode, **_IN_ORDER)
    if has_cardinality:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _warn_of_truncation(summary: ParallelTextSummary, sides: Iterable[str]):
    for side in sides:
        text = getattr(summary, side)
        if text.truncated_rate > MANY:
            warnings.warn(
                f"{side}: the default max_length truncates {text.truncated_rate:.1%} of the "
                f"sequences of {text.path}; TextEncoder(tokenizer, "
                f"max_length={text.length_that_fits(NEARLY_ALL)}) would fit {NEARLY_ALL:.0%} of "
                "them",
                stacklevel=4,
            )


def _repeat(
    pairs: tf.data.Dataset, epochs: int | None, shuffle_buffer: int | None, seed: int
) -> tf.data.Dataset:
    """Repeats the pairs, and shuffles each epoch by `seed` and its number if there is a buffer.

    For a single epoch, the number of the iteration takes the place of that of the epoch.
    """

    def read_epoch(epoch):
        return pairs if shuffle_buffer is None else _shuffle(pairs, shuffle_buffer, seed, epoch)

    if epochs == 1 and shuffle_buffer is not None:
        return _for_each_iteration(read_epoch)
    if epochs is not None:
        return tf.data.Dataset.range(epochs).flat_map(read_epoch)
    endless = tf.data.Dataset.counter().flat_map(read_epoch)
    return endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))


def _shuffle(dataset: tf.data.Dataset, buffer: int, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
    """Shuffles a dataset by a seed and the number of the epoch.

    Call it only within a function that is mapped over a dataset.
    """
    # This only sets the seed of the function's own graph. It makes the order independent of the
    # global seed, which may differ in a resumed program. A seed of 0 modulo 2**31 - 1 would be
    # none.
    tf.random.set_seed(1 + seed % (2**31 - 2))
    return dataset.shuffle(buffer, seed=epoch, reshuffle_each_iteration=False)


def _for_each_iteration(read: Callable[[tf.Tensor], tf.data.Dataset]) -> tf.data.Dataset:
    """Returns a dataset that calls a function with the number of the iteration.

    Iterations are counted in Python: a `tf.Variable` would belong to the distribution strategy in
    whose scope the dataset is made.
    """
    iterations = count()

    @_without_autograph
    def next_iteration(_):
        number = tf.numpy_function(lambda: np.int64(next(iterations)), [], tf.int64)
        return tf.ensure_shape(number, [])

    return tf.data.Dataset.range(1).map(next_iteration).flat_map(read)


def _add_random_numbers(dataset: tf.data.Dataset, seed: int) -> tf.data.Dataset:
    """Adds uniform random numbers `(batch, 2)` that depend on the seed and the batch's number."""

    @_without_autograph
    def add(columns, number):
        seeds = tf.stack([tf.constant(seed % 2**63, tf.int64), number])
        draws = tf.random.stateless_uniform([tf.size(columns[0]), 2], seeds)
        return (*columns, draws)

    return tf.data.Dataset.zip((dataset, tf.data.Dataset.counter())).map(add, **_IN_ORDER)


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


def _one_batch_size(batch_size: int | Sequence[int]) -> int:
    if not isinstance(batch_size, Integral):
        raise UserError(f"batch_size is {batch_size}; expected one number if buckets is 'auto'")
    check_at_least(1, batch_size=batch_size)
    return batch_size


def _batch_sizes(batch_size: int | Sequence[int], buckets: int) -> list[int]:
    sizes = list(batch_size) if isinstance(batch_size, Iterable) else [batch_size] * buckets
    if len(sizes) != buckets:
        raise UserError(f"batch_size has {len(sizes)} values for {buckets} buckets")
    for size in sizes:
        check_at_least(1, batch_size=size)
    return sizes


def _split_batch(columns: tuple[tf.Tensor, ...], shards: range, num_shards: int) -> tf.data.Dataset:
    """Returns the requested shards of one batch."""
    indices = tf.data.Dataset.range(shards.start, shards.stop)
    return indices.map(lambda index: tuple(column[index::num_shards] for column in columns))
