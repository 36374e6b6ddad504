"""`keras-seq2seq prepare`"""

from __future__ import annotations

import shlex
from typing import Any

import click

from keras_seq2seq.cli.data_report import (
    describe_dropped,
    warn_of_swapped_sides,
    warn_of_swapped_vocabularies,
)
from keras_seq2seq.cli.options import (
    DirectoryName,
    WholeNumber,
    config_options,
    data_options,
    pair_files,
)
from keras_seq2seq.defaults import MAX_SHARDS, MAX_WORKERS
from keras_seq2seq.errors import UserError
from keras_seq2seq.wording import count

# Hyperparameters that are chosen along with the tokenizers, stored for training.
_STORED = {
    "encoder": {"concat_inputs"},
    "decoder": {"context_skip"},
    "source": {"max_seq_len"},
    "target": {"max_seq_len"},
    "inference": {"max_decode_length"},
    "embedding": {"share"},
}


@click.command()
@click.option(
    "--output_dir", type=DirectoryName(), required=True, help="New directory to write to."
)
@config_options(
    "YAML file of train, for its data, vocabulary, tokenizer and filter options; may be repeated.",
    "Tokenizer and filter options, such as source.tokenizer=words or filter.duplicates=true.",
)
@data_options
@click.option(
    "--shards",
    type=WholeNumber(1, most=MAX_SHARDS),
    default=1,
    show_default=True,
    help="Number of files to write the records to.",
)
@click.option(
    "--workers",
    type=WholeNumber(1, most=MAX_WORKERS),
    help="Number of processes to tokenize with.  [default: the number of CPU cores]",
)
def prepare(
    output_dir: str,
    config_files: tuple[str, ...],
    hparams: tuple[str, ...],
    shards: int,
    workers: int | None,
    **flags: Any,
):
    """Tokenize text once, for faster training.

    Writes the ids of the training text, the tokenizers and the dev text to a directory, for
    `train --train_data=DIR`. As in train, vocabularies and dev text that are not given are made
    from the training text.
    """
    from keras_seq2seq.config import resolve_config
    from keras_seq2seq.config.training_flags import missing_text_flags

    config = resolve_config(config_files, pair_files(flags), ",".join(hparams))
    if missing := missing_text_flags(config):
        raise UserError(f"prepare needs {', '.join(missing)}")

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq.building.prepared import prepared_directories
    from keras_seq2seq.callbacks import interrupted_by_signals
    from keras_seq2seq.data import prepare_records
    from keras_seq2seq.files.writing import check_empty
    from keras_seq2seq.tensorflow_settings import count_cores
    from keras_seq2seq.training.text import plan_text

    if prepared_directories(config):
        raise UserError(f"--train_data: {config.train_data} is prepared already")
    check_empty(output_dir)
    for side in ("source", "target"):
        if getattr(config.hparams, side).sampling_alpha:
            raise UserError(
                f"{side}.sampling_alpha needs text, since prepared records contain ids; train on "
                "the text, or leave it out"
            )
    text = plan_text(config)
    warnings = [
        *warn_of_swapped_vocabularies(text.config, text.train, text.source, text.target),
        *warn_of_swapped_sides(text.config, text.train, text.dev),
    ]
    for line in [*text.notes, *warnings]:
        click.echo(line, err=True)
    # So that the worker processes are stopped too.
    with interrupted_by_signals():
        summary = prepare_records(
            text.train,
            None,
            text.source,
            text.target,
            output_dir,
            dev=text.dev,
            shards=shards,
            workers=workers or count_cores(),
            hparams=text.config.hparams.model_dump(include=_STORED, exclude_unset=True),
        )
    skipped = f" (skipped {count(summary.empty_pairs, 'pair')} with an empty side)"
    report = [
        f"{output_dir}: {count(summary.pairs, 'pair')}{skipped if summary.empty_pairs else ''} in "
        f"{count(shards, 'shard')}, {summary.bytes / 1e6:,.1f} MB",
        *describe_dropped(summary.dropped),
        f"Train with: keras-seq2seq train --train_data={shlex.quote(output_dir)}",
    ]
    click.echo("\n".join(report), err=True)
