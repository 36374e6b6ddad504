"""Training of a planned model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from keras_seq2seq.callbacks import error_console
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.training.plan import TrainingPlan
from keras_seq2seq.training.training_run import TrainingRun
from keras_seq2seq.training.workers import Workers


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training run.

    Attributes:
        directory: The model directory, with the best model by `config.best_metric`.
        records: One dictionary for each evaluation of the run.
    """

    directory: ModelDirectory
    records: list[dict]


def train(plan: TrainingPlan, console: Console | None = None) -> TrainingResult:
    """Trains a model, evaluates it regularly and saves the best one.

    An interrupted run is resumed from its last checkpoint. Ctrl-C saves the state and stops after
    the current step.

    Args:
        plan: The result of `plan_training`.
        console: Where to print progress. Defaults to standard error.

    Returns:
        The model directory and the evaluations.

    Raises:
        KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP, when the state has been saved.
        RunError: If the loss is infinite or NaN, or a file cannot be read or written.
        UserError: If another process is training in the directory.

    Example:
        >>> config = resolve_config(["config.yaml"])
        >>> result = train(plan_training(config, "model"))
        >>> result.records[-1]["dev_perplexity"]
        8.1
    """
    with plan.workers.report_lost_workers(), _reserved_directory(plan):
        run = TrainingRun(plan, _console_for(plan.workers, console))
        if not run.is_over:
            run.fit()
        run.summarize()
    return TrainingResult(plan.directory, run.records)


@contextmanager
def _reserved_directory(plan: TrainingPlan) -> Iterator[None]:
    """Keeps other runs out of the model directory. Of several processes, the chief does."""
    if not plan.workers.is_chief:
        yield
        return
    with plan.directory.reserved():
        yield


def _console_for(workers: Workers, console: Console | None) -> Console:
    if workers.processes == 1:
        return console or error_console()
    # Only the chief prints, without a progress bar, which would need metrics of all processes.
    file = console.file if console else error_console().file
    return Console(
        file=file, force_terminal=False, quiet=not workers.is_chief, highlight=False, width=200
    )
