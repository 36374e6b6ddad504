"""`keras-seq2seq train`"""

from typing import Any

import click

from keras_seq2seq.cli.data_report import describe_plan
from keras_seq2seq.cli.input_output import suggest_translate
from keras_seq2seq.cli.options import (
    DirectoryName,
    config_options,
    pair_files,
    training_options,
)


@click.command(
    epilog="Only the training text and --output_dir are required. Vocabularies and dev text that "
    "are not given are made from the training text and stored in the model directory. The model "
    "with the best dev metric is kept."
)
@click.option(
    "--output_dir", type=DirectoryName(), required=True, help="Directory to write the model to."
)
@config_options(
    "YAML file with any of these flags; may be repeated. Later files override earlier ones, "
    "and flags override files.",
    "Hyperparameters, such as rnn_cell.num_units=256; listed in docs/hyperparameters.md.",
)
@training_options
@click.option(
    "--resume",
    type=click.Choice(["auto", "never", "must"]),
    default="auto",
    show_default=True,
    help="auto resumes the run in --output_dir if there is one; never deletes it and starts over; "
    "must fails if there is none.",
)
@click.option(
    "--dry_run",
    is_flag=True,
    help="Check everything and show the configuration and the model, but do not train.",
)
def train(
    output_dir: str,
    config_files: tuple[str, ...],
    hparams: tuple[str, ...],
    resume: str,
    dry_run: bool,
    **flags: Any,
):
    """Train a model on line-aligned text files or on tables.

    To resume an interrupted run, repeat the same command.
    """
    from keras_seq2seq.config import dump_config, resolve_config

    config = resolve_config(config_files, pair_files(flags), ",".join(hparams))

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq import training
    from keras_seq2seq.files.directories import check_not_deleted
    from keras_seq2seq.model_directory import ModelDirectory

    if resume == "never":
        check_not_deleted(config_files, ModelDirectory(output_dir).outputs)
    plan = training.plan_training(config, output_dir, resume)
    click.echo(describe_plan(plan), err=True)
    if dry_run:
        click.echo(dump_config(plan.config))
        plan.model.summary()
        return
    training.train(plan)
    suggest_translate(output_dir)
