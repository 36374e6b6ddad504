"""Training a planned model."""

import sys
from dataclasses import dataclass

from rich.console import Console

from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.training.plan import TrainingPlan
from keras_seq2seq.training.training_run import TrainingRun
from keras_seq2seq.training.workers import Workers


@dataclass(frozen=True)
class TrainingResult:
    """What a run came to.

    Attributes:
        directory: The model directory; its model is the best one by `config.best_metric`.
        records: One dictionary for each evaluation of the run.
    """

    directory: ModelDirectory
    records: list[dict]


def train(plan: TrainingPlan, console: Console | None = None) -> TrainingResult:
    """Trains a model, evaluating on the way and keeping the best one.

    A run that was stopped goes on where it stopped. Ctrl-C stops it after the current step.

    Args:
        plan: What `prepare` returned.
        console: Where to print progress. Defaults to standard error.

    Returns:
        The model directory and the evaluations.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the state has been saved.
        RunError: If the loss is infinite or not a number, or files cannot be written or read.
    """
    with plan.workers.held_together():
        run = TrainingRun(plan, _console_for(plan.workers, console))
        if not run.is_over:
            run.fit()
    return TrainingResult(plan.directory, run.records)


def _console_for(workers: Workers, console: Console | None) -> Console:
    if workers.processes == 1:
        return console or Console(stderr=True, highlight=False)
    # The chief alone speaks, and without a bar, whose figures all processes had to ask for.
    file = console.file if console else sys.stderr
    return Console(
        file=file, force_terminal=False, quiet=not workers.is_chief, highlight=False, width=200
    )
