"""`keras-seq2seq tune`"""

from typing import Any

import click

from keras_seq2seq.cli.options import WholeNumber
from keras_seq2seq.cli.train import train

# Those of `train` that the search sets itself, or that have no meaning for it.
_NOT_OF_TRAIN = {
    "best_metric",
    "dry_run",
    "keep_checkpoint_every_n_hours",
    "keep_checkpoint_max",
    "output_dir",
    "resume",
    "train_epochs",
}


def _with_options_of_train(command: click.Command) -> click.Command:
    command.params += [option for option in train.params if option.name not in _NOT_OF_TRAIN]
    return command


@_with_options_of_train
@click.command(
    epilog="Of train's options those that are the same for all trials are taken too. The same "
    "command goes on with a search that was stopped or killed."
)
@click.option("--space", metavar="FILE", help="YAML file of the options to search.")
@click.option(
    "--output_dir", metavar="DIR", help="Where the search is written; DIR/best is the best model."
)
@click.option(
    "--tuner",
    metavar="NAME",
    default="hyperband",
    show_default=True,
    help="hyperband, bayesian, random or grid.",
)
@click.option(
    "--objective",
    metavar="NAME",
    help="Figure to improve: dev_loss, dev_perplexity, dev_bleu, dev_exact_match, ...  "
    "[default: dev_loss]",
)
@click.option("--max_trials", type=WholeNumber(1), help="Most trials.")
@click.option(
    "--max_epochs",
    type=WholeNumber(1),
    help="Epochs of the longest trial; or give --train_steps.  [default: 10]",
)
@click.option("--budget_minutes", type=click.FloatRange(min=0, min_open=True), help="Most minutes.")
@click.option(
    "--keep_trials",
    type=WholeNumber(1),
    default=3,
    show_default=True,
    help="Best trials whose weights are kept.",
)
@click.option(
    "--workers",
    type=WholeNumber(1),
    default=1,
    show_default=True,
    help="Trials at a time, each in a process with its share of the cores.",
)
@click.option(
    "--resume",
    type=click.Choice(["auto", "never", "must"]),
    default="auto",
    show_default=True,
    help="Go on with the search in --output_dir if there is one; never: remove it and begin anew; "
    "must: fail if there is none.",
)
@click.option(
    "--report",
    metavar="DIR",
    help="Print the trials of a search and write DIR/report.html; all other options are of no use "
    "then.",
)
@click.pass_context
def tune(ctx: click.Context, report: str | None, **options: Any):
    """Search for good hyper-parameters."""
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

    config = resolve_config(config_files, flags, ",".join(hparams))

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq import tuning

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
    result = tuning.run_search(plan, workers)
    if result is not None:
        best = result.directory.best_path
        click.echo(
            f"Best {plan.objective.name}: {result.best.objective:.5g} (trial {result.best.trial}). "
            f"Its model: {best}, its configuration: {best / 'config.yaml'}\n"
            f"Look at all trials with: keras-seq2seq tune --report {output_dir}",
            err=True,
        )


def _refuse_others(ctx: click.Context):
    given = click.core.ParameterSource.COMMANDLINE
    for name in ctx.params:
        if name != "report" and ctx.get_parameter_source(name) == given:
            raise click.UsageError(f"--{name} has no effect beside --report; leave it out", ctx)


def _print_report(path: str):
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq import tuning

    page = tuning.write_report(path)
    tuning.print_trials(path)
    click.echo(f"Plots: {page}", err=True)
