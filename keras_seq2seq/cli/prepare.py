"""`keras-seq2seq prepare`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.options import WholeNumber, data_options, pair_files
from keras_seq2seq.errors import UserError
from keras_seq2seq.wording import count

if TYPE_CHECKING:
    from keras_seq2seq.config import Config

_MAX_SHARDS = 500
_MAX_WORKERS = 1_000


@click.command()
@click.option("--output_dir", metavar="DIR", required=True, help="New directory to write to.")
@click.option(
    "--config",
    "config_files",
    metavar="FILE",
    multiple=True,
    help="YAML file of train, for its data, vocabulary and tokenizer options; may be repeated.",
)
@click.option(
    "--hparams",
    metavar="NAME=VALUE,...",
    multiple=True,
    help="Tokenizer options, such as source.tokenizer=words.",
)
@data_options
@click.option(
    "--shards",
    type=WholeNumber(1, most=_MAX_SHARDS),
    default=1,
    show_default=True,
    help="Number of files to write the records to.",
)
@click.option(
    "--workers",
    type=WholeNumber(1, most=_MAX_WORKERS),
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
    `train --train_data=DIR`.
    """
    from keras_seq2seq.config import resolve_config
    from keras_seq2seq.config.training_flags import has_dev, missing_text_flags

    config = resolve_config(config_files, pair_files(flags), ",".join(hparams))
    if missing := missing_text_flags(config) + _missing_vocabularies(config):
        raise UserError(f"prepare needs {', '.join(missing)}")

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq.building.data import build_tokenizers, open_pairs
    from keras_seq2seq.building.prepared import check_unfiltered, prepared_directories
    from keras_seq2seq.callbacks import interrupted_by_signals
    from keras_seq2seq.data import prepare_records
    from keras_seq2seq.tensorflow_settings import count_cores

    if prepared_directories(config):
        raise UserError(f"--train_data: {config.train_data} is prepared already")
    check_unfiltered(config, output_dir)
    tokenizers = build_tokenizers(config)
    # So that the worker processes are stopped too.
    with interrupted_by_signals():
        summary = prepare_records(
            open_pairs(config, "train"),
            None,
            *tokenizers,
            output_dir,
            dev=open_pairs(config, "dev") if has_dev(config) else None,
            shards=shards,
            workers=workers or count_cores(),
        )
    dropped = f" (dropped {count(summary.empty_pairs, 'pair')} with an empty side)"
    click.echo(
        f"{output_dir}: {count(summary.pairs, 'pair')}{dropped if summary.empty_pairs else ''} in "
        f"{count(shards, 'shard')}, {summary.bytes / 1e6:,.1f} MB\n"
        f"Train with: keras-seq2seq train --train_data={output_dir}",
        err=True,
    )


def _missing_vocabularies(config: Config) -> list[str]:
    from keras_seq2seq.config.text_options import tokenizer_name
    from keras_seq2seq.text import TOKENIZERS

    return [
        f"--vocab_{side}"
        for side in ("source", "target")
        if getattr(config, f"vocab_{side}") is None
        and TOKENIZERS[tokenizer_name(config, side)].vocabulary_suffix is not None
    ]
