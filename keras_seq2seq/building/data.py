"""From a configuration to text encoders and batches."""

import os
from itertools import chain
from typing import Any

from keras_seq2seq.building.prepared import prepared_directories
from keras_seq2seq.config import Config
from keras_seq2seq.config.text_options import tokenizer_name
from keras_seq2seq.config.training_flags import as_names
from keras_seq2seq.data import Batching, ParallelTextSummary, propose_buckets, validate_buckets
from keras_seq2seq.data.lines import FileLines
from keras_seq2seq.data.pairs import AlignedPairs, Pairs, TablePairs
from keras_seq2seq.data.record_pairs import RecordPairs
from keras_seq2seq.data.records import is_prepared
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import find_files, open_text
from keras_seq2seq.files.tables import table_format
from keras_seq2seq.text import TextEncoder, Tokenizer, default_tokenizer, get_tokenizer_class


def choose_tokenizers(config: Config) -> Config:
    """Returns the configuration with the tokenizers implied by its vocabulary files.

    Args:
        config: The configuration. Sides without a vocabulary file are unchanged.
    """
    sides = {
        side: getattr(config.hparams, side).model_copy(
            update={"tokenizer": tokenizer_name(config, side)}
        )
        for side in ("source", "target")
        if getattr(config, f"vocab_{side}") is not None
    }
    return config.with_hparams(**sides)


def tokenizer_options(config: Config, side: str) -> dict[str, Any]:
    """Returns the arguments of the tokenizer of a side that hyperparameters set."""
    tokenizer_class = get_tokenizer_class(tokenizer_name(config, side))
    hparams = getattr(config.hparams, side)
    return {name: getattr(hparams, name) for name in tokenizer_class.hyperparameters}


def build_tokenizers(config: Config) -> tuple[Tokenizer, Tokenizer]:
    """Creates the source and target tokenizers from the files `vocab_source` and `vocab_target`.

    Raises:
        UserError: If a file cannot be read or is invalid.
    """
    return read_tokenizer(config, "source"), read_tokenizer(config, "target")


def read_tokenizer(config: Config, side: str) -> Tokenizer:
    """Creates the tokenizer of a side from its vocabulary file, if it needs one.

    Raises:
        UserError: If the file cannot be read or is invalid.
    """
    tokenizer_class = get_tokenizer_class(tokenizer_name(config, side))
    options, path = tokenizer_options(config, side), getattr(config, f"vocab_{side}")
    if path is None:
        return tokenizer_class(**options)
    try:
        return tokenizer_class.from_file(path, **options)
    except UserError as error:
        expected = default_tokenizer(path)
        if (
            tokenizer_class.vocabulary_suffix == Tokenizer.vocabulary_suffix
            and expected != "whitespace"
        ):
            raise UserError(f"{error}; to read a model, set {side}.tokenizer={expected}") from error
        raise


def build_text_encoders(
    config: Config, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer
) -> tuple[TextEncoder, TextEncoder]:
    """Creates the source and target text encoders.

    Args:
        config: The configuration, with `source.max_seq_len`, `source.reverse`,
            `source.sampling_alpha`, `target.max_seq_len` and so on.
        source_tokenizer: The tokenizer of the sources.
        target_tokenizer: The tokenizer of the targets.
    """
    source, target = config.hparams.source, config.hparams.target
    return (
        TextEncoder(
            source_tokenizer,
            source.max_seq_len,
            source.reverse,
            sampling_alpha=source.sampling_alpha,
            nbest_size=source.nbest_size,
        ),
        TextEncoder(
            target_tokenizer,
            target.max_seq_len,
            sampling_alpha=target.sampling_alpha,
            nbest_size=target.nbest_size,
        ),
    )


def open_pairs(config: Config, part: str) -> Pairs:
    """Finds the files of a part of the data. They are read on demand.

    Args:
        config: The configuration, with `train_source` and `train_target`, or `train_data`, which
            may consist of prepared records; and the same for "dev", which must be text.
        part: "train" or "dev".

    Raises:
        UserError: If a file cannot be opened.
    """
    if part == "train" and (directories := prepared_directories(config)):
        return RecordPairs(directories, config.data_weights)
    if names := getattr(config, f"{part}_data"):
        columns = config.source_column, config.target_column
        return TablePairs(_find_all(names), None if None in columns else columns)
    sides = [_find_all(getattr(config, f"{part}_{side}")) for side in ("source", "target")]
    for file in chain.from_iterable(sides):
        # TSV and CSV files may also be text.
        if table_format(file) not in (None, "tsv", "csv"):
            raise UserError(
                f"{file}: a table; use --{part}_data with --source_column and --target_column"
            )
    return AlignedPairs(*map(FileLines, sides))


def _find_all(names: str | tuple[str, ...]) -> list[str]:
    """Returns the files of a name or a pattern, or of several."""
    files = []
    for name in as_names(names):
        found = find_files(name)
        if found == ["-"] and not os.path.lexists("-"):
            raise UserError(
                "-: standard input can be read only once, but training reads its data in each "
                "epoch; write it to a file"
            )
        files += found
    for file in files:
        if is_prepared(file):
            raise UserError(f"{file}: prepared records, which only --train_data reads")
        open_text(file).close()
    return files


def make_batching(config: Config, summary: ParallelTextSummary) -> Batching:
    """Returns the buckets and batch sizes of a configuration.

    Args:
        config: The configuration.
        summary: Statistics of the text to batch. `buckets=auto` depends on its lengths.
    """
    hparams = config.hparams
    limits = hparams.source.max_seq_len, hparams.target.max_seq_len
    is_by_tokens = config.batch_type == "tokens"
    buckets = config.buckets
    if buckets == "auto":
        mean = sum(max(pair) * count for pair, count in summary.lengths.items()) / summary.pairs
        pairs = max(1, int(config.batch_size / mean)) if is_by_tokens else config.batch_size
        buckets = propose_buckets(summary.lengths, pairs)
    buckets = validate_buckets(buckets)
    if is_by_tokens:
        return Batching.of_tokens(buckets, config.batch_size, *limits)
    if config.bucket_batch_sizes:
        return Batching(buckets, config.bucket_batch_sizes)
    return Batching.of_pairs(buckets, config.batch_size)
