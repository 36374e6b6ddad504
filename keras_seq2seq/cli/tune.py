"""`keras-seq2seq tune`"""

import shlex
from typing import Any

import click

from keras_seq2seq.cli.options import (
    MILLION,
    DirectoryName,
    RealNumber,
    WholeNumber,
    pair_files,
)
from keras_seq2seq.cli.train import train
from keras_seq2seq.config.training_flags import DEFAULT_EPOCHS

# Options of `train` that the search sets itself or that do not apply to it.
_EXCLUDED = {
    "best_metric",
    "dry_run",
    "keep_checkpoint_every_n_hours",
    "keep_checkpoint_max",
    "output_dir",
    "resume",
    "train_epochs",
}


def _with_train_options(command: click.Command) -> click.Command:
    command.params += [option for option in train.params if option.name not in _EXCLUDED]
    return command


@_with_train_options
@click.command(
    epilog="Options shared with train apply to all trials. To resume an interrupted search, repeat "
    "the same command."
)
@click.option("--space", metavar="FILE", help="YAML file that defines the search space.")
@click.option(
    "--output_dir",
    type=DirectoryName(),
    help="Directory for the search; DIR/best is the best model.",
)
@click.option(
    "--tuner",
    metavar="NAME",
    default="hyperband",
    show_default=True,
    help="Search algorithm: hyperband, bayesian, random or grid.",
)
@click.option(
    "--objective",
    metavar="NAME",
    help="Metric to optimize: dev_loss, dev_perplexity, dev_bleu, dev_exact_match, ...  "
    "[default: dev_loss]",
)
@click.option("--max_trials", type=WholeNumber(1), help="Maximum number of trials.")
@click.option(
    "--max_epochs",
    type=WholeNumber(1),
    help="Epochs of the longest trial; --train_steps may be used instead.  "
    f"[default: {DEFAULT_EPOCHS}]",
)
@click.option(
    "--budget_minutes",
    type=RealNumber(0.01, MILLION),
    help="Time limit in minutes.",
)
@click.option(
    "--keep_trials",
    type=WholeNumber(1),
    default=3,
    show_default=True,
    help="Number of best trials whose weights are kept.",
)
@click.option(
    "--workers",
    type=WholeNumber(1),
    default=1,
    show_default=True,
    help="Number of trials to run in parallel, each in a process with an equal share of the cores.",
)
@click.option(
    "--resume",
    type=click.Choice(["auto", "never", "must"]),
    default="auto",
    show_default=True,
    help="auto resumes the search in --output_dir if there is one; never deletes it and starts "
    "over; must fails if there is none.",
)
@click.option(
    "--report",
    type=DirectoryName(),
    help="Print the trials of the search in DIR and write DIR/report.html; no other option is "
    "allowed.",
)
@click.pass_context
def tune(ctx: click.Context, report: str | None, **options: Any):
    """Search for good hyperparameters."""
    if report is not None:
        _refuse_others(ctx)
        _print_report(report)
        return
    for name in ("space", "output_dir"):
        if options[name] is None:
            raise click.UsageError(f"Missing option '--{name}'.", ctx)
    _search(**options)


def _search(
    space: str,
    output_dir: str,
    config_files: tuple[str, ...],
    hparams: tuple[str, ...],
    workers: int,
    resume: str,
    tuner: str,
    objective: str | None,
    max_trials: int | None,
    max_epochs: int | None,
    budget_minutes: float | None,
    keep_trials: int,
    **flags: Any,
):
    from keras_seq2seq.config import resolve_config

    config = resolve_config(config_files, pair_files(flags), ",".join(hparams))

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq import tuning
    from keras_seq2seq.files.directories import check_not_deleted

    if resume == "never":
        check_not_deleted([space, *config_files], tuning.SearchDirectory(output_dir).outputs)
    plan = tuning.prepare_search(
        config,
        tuning.load_space(space),
        output_dir,
        tuner=tuner,
        objective=objective,
        max_trials=max_trials,
        max_epochs=max_epochs,
        budget_minutes=budget_minutes,
        keep_trials=keep_trials,
        resume=resume,
    )
    for note in plan.text.notes:
        click.echo(note, err=True)
    result = tuning.run_search(plan, workers)
    if result is not None:
        best = result.directory.best_path
        click.echo(
            f"Best {plan.objective.name}: {result.best.objective:.5g} (trial {result.best.trial}). "
            f"Model: {best}, configuration: {best / 'config.yaml'}\n"
            f"To see all trials, run: keras-seq2seq tune --report {shlex.quote(output_dir)}",
            err=True,
        )


def _refuse_others(ctx: click.Context):
    given = click.core.ParameterSource.COMMANDLINE
    for option in ctx.command.params:
        if option.name != "report" and ctx.get_parameter_source(option.name) == given:
            raise click.UsageError(
                f"{option.opts[0]} has no effect with --report; leave it out", ctx
            )


def _print_report(path: str):
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq import tuning

    page = tuning.write_report(path)
    tuning.print_trials(path)
    click.echo(f"Plots: {page}", err=True)
