"""Training of a planned model, from its first step to its last."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import tensorflow as tf
from rich.console import Console

from keras_seq2seq.building.model import learning_rate_at, make_learning_rate
from keras_seq2seq.callbacks import (
    Evaluation,
    ProgressBar,
    RestoreRawWeights,
    SaveCheckpoints,
    StopOnInterrupt,
    StopOnNonFiniteLoss,
    StopWithoutImprovement,
    TrackGradientNorm,
    error_console,
    print_line,
)
from keras_seq2seq.config.training_flags import DEFAULT_CHECKPOINT_SECONDS
from keras_seq2seq.errors import RunError
from keras_seq2seq.evaluation import LOWER_IS_BETTER
from keras_seq2seq.files.reading import exists
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import averaged_weights
from keras_seq2seq.models.saving import is_intact
from keras_seq2seq.schedules import Plateau
from keras_seq2seq.training.checkpoints import Checkpoints, reason_of
from keras_seq2seq.training.plan import TrainingPlan, compile_model
from keras_seq2seq.training.records import MetricsLog, RunRecord, forget_events_after
from keras_seq2seq.training.run_data import (
    RunBoard,
    dev_batches,
    divergence_error,
    make_dev_scorer,
    train_batches,
)
from keras_seq2seq.training.workers import Workers
from keras_seq2seq.wording import count, show_seconds

_AT_THE_START = {"step": 0, "records": [], "seconds": 0.0}


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
        if run.is_over:
            run.keep_model()
        else:
            run.fit()
        run.summarize()
    return TrainingResult(plan.directory, run.records)


@contextmanager
def _reserved_directory(plan: TrainingPlan) -> Iterator[None]:
    """Keeps other runs out of the model directory. With several processes, the chief does."""
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


class TrainingRun:
    """A training run, new or resumed from its latest checkpoint.

    The constructor compiles the model, restores its state and truncates all logs to its step.

    Args:
        plan: The result of `plan_training`.
        console: Where to print progress.

    Raises:
        RunError: If checkpoints cannot be read, or the workers see different ones.
    """

    def __init__(self, plan: TrainingPlan, console: Console):
        config, directory, workers = plan.config, plan.directory, plan.workers
        self._plan, self._console = plan, console
        if workers.is_chief:
            if plan.resume == "never":
                directory.clear()
            if directory.has_checkpoints() and not directory.config_path.exists():
                self._say(f"warning: {directory.config_path}: missing file, which is written again")
            directory.create(config, plan.source.tokenizer, plan.target.tokenizer, plan.drawn_dev)
        workers.any(False)  # The other processes wait here until the directory is created.
        self._learning_rate = compile_model(plan)
        self._checkpoints = Checkpoints(
            directory.checkpoints_path,
            plan.model,
            1 if plan.keep_only_latest else config.keep_checkpoint_max,
            0.0 if plan.keep_only_latest else config.keep_checkpoint_every_n_hours,
            workers.is_chief,
        )
        notes = self._checkpoints.restore(lambda line: self._say(f"warning: {line}"))
        notes = notes or _AT_THE_START
        self._step, self._seconds = notes["step"], notes["seconds"]
        if workers.any(self._step != workers.of_chief(self._step)):
            raise RunError(
                f"{directory.path}: the workers see different checkpoints; expected the "
                "same shared --output_dir"
            )
        workers.vary_seeds(plan.model)
        self._metrics_log = MetricsLog(directory.metrics_path)
        if workers.is_chief:
            self._truncate_logs(notes["records"])
        self._stopping = StopWithoutImprovement(
            f"dev_{config.best_metric}",
            config.best_metric in LOWER_IS_BETTER,
            config.early_stopping_patience,
            notes["records"],
        )
        if self._step > plan.steps:
            self._say(
                f"{directory.path}: already trained for {count(self._step, 'step')}, more than the "
                f"{plan.steps:,} of this run"
            )
        elif self._step:
            self._say(f"{directory.path}: resuming after step {self._step:,} of {plan.steps:,}")
        if self._stopping.is_exhausted:
            self._say(_describe_early_stop(self._stopping))
        if notes["records"]:
            self._restore_model()

    @property
    def is_over(self) -> bool:
        """Whether training is complete."""
        return self._step >= self._plan.steps or self._stopping.is_exhausted

    @property
    def records(self) -> list[dict]:
        """The evaluations of the run."""
        return self._metrics_log.records

    def fit(self):
        """Trains until the last step or an early stop.

        Raises:
            KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP, when the state has been saved.
            RunError: If the loss is infinite or NaN, or files cannot be written.
        """
        plan = self._plan
        self._bar = ProgressBar(plan.steps, self._console)
        stop = StopOnInterrupt(plan.workers.any)
        self._board = self._make_board()
        self._saver = self._make_saver()
        self._evaluation = self._make_evaluation()
        try:
            # Before the progress bar hides the cursor.
            stop.on_train_begin()
            plan.model.fit(
                train_batches(plan, self._step),
                steps_per_epoch=plan.steps - self._step,
                shuffle=False,  # the dataset is shuffled
                callbacks=[
                    RestoreRawWeights(),
                    keras.callbacks.LambdaCallback(
                        on_epoch_begin=self._checkpoints.restore_metrics
                    ),
                    self._bar,
                    StopOnNonFiniteLoss(
                        lambda step, loss: divergence_error(plan, step, f"the loss is {loss}")
                    ),
                    TrackGradientNorm(),
                    self._evaluation,
                    self._stopping,
                    self._saver,
                    *(self._board.callbacks if self._board else ()),
                    keras.callbacks.LambdaCallback(on_train_end=self._save_unevaluated_model),
                    stop,
                ],
                verbose=0,
            )
        finally:
            # `fit` does not call these after an error.
            self._bar.on_train_end()
            stop.on_train_end()
        self._step = self._saver.step
        if stop.interrupted:
            self._say(
                f"Stopped after step {self._step:,} of {plan.steps:,}; the state is saved "
                f"in {plan.directory.path}. Rerun the same command to resume."
            )
            self._say(self._describe_saved_model())
            raise KeyboardInterrupt
        if self._stopping.is_exhausted:
            self._say(_describe_early_stop(self._stopping))

    def keep_model(self):
        """Saves the model of a complete run that was killed before its first evaluation."""
        if self._stopping.best is None:
            self._save_unevaluated_model()
            self._say(self._describe_saved_model())

    def summarize(self):
        """Prints the training time and the best evaluation of a complete run."""
        seconds = sum(record["seconds"] for record in self.records)
        best, metric = self._stopping.best, self._stopping.metric
        line = f"Trained {count(self._step, 'step')} in {show_seconds(seconds)}"
        if best is not None:
            line += f"; best {metric}: {best[metric]:.4g} at step {best['step']:,}"
        self._say(f"{line}.")

    def _describe_saved_model(self) -> str:
        best = self._stopping.best
        if best is None:
            return "`translate` uses the weights of this step, which have not been evaluated."
        if best["step"] == self._step:
            return "`translate` uses the weights of this step, the best so far."
        return (
            f"`translate` uses the weights of step {best['step']:,}, the best by "
            f"{self._stopping.metric}. For those of step {self._step:,}, run: "
            f"{self._plan.directory.command_for_latest_weights()}"
        )

    def _say(self, line: str):
        print_line(self._console, line)

    def _truncate_logs(self, records: list[dict]):
        directory = self._plan.directory
        self._metrics_log.reset(records)
        # Without a checkpoint, the events of step 0 are written again too.
        forget_events_after(directory.logs_path, self._step or -1)
        record = RunRecord(directory.run_path)
        if record.is_damaged:
            self._say(f"warning: {directory.run_path}: damaged file, which is written again")
        self._warn_of_other_decay(record.steps)
        changes = record.add_start(
            self._step,
            self._plan.config.seed,
            self._plan.fingerprints,
            self._plan.steps,
            self._plan.train_summary,
        )
        for name, change in changes.items():
            self._say(f"warning: resuming with {name} {change}; results may differ slightly")

    def _warn_of_other_decay(self, steps: int | None):
        """Warns if the learning rate changes since the run now has another length."""
        plan = self._plan
        if not self._step or steps in (None, plan.steps):
            return
        compared = min(steps, plan.steps)
        before, after = (
            learning_rate_at(make_learning_rate(plan.config, end), compared)
            for end in (steps, plan.steps)
        )
        if before != after:
            self._say(
                f"warning: the learning rate now decays until step {plan.steps:,} instead of "
                f"{steps:,}; at step {compared:,}, it is {after:.3g} instead of {before:.3g}"
            )

    def _make_board(self) -> RunBoard | None:
        if not self._plan.workers.is_chief:
            return None
        with self._writing():
            return RunBoard(self._plan, self._step, self._console)

    def _make_saver(self) -> SaveCheckpoints:
        config = self._plan.config
        seconds = config.save_checkpoints_secs
        if seconds is None and config.save_checkpoints_steps is None:
            seconds = DEFAULT_CHECKPOINT_SECONDS
        return SaveCheckpoints(
            self._save, config.save_checkpoints_steps, seconds, self._plan.workers.any
        )

    def _make_evaluation(self) -> Evaluation:
        config = self._plan.config
        observers = [self._record]
        if isinstance(self._learning_rate, Plateau):
            # First, so that the checkpoint of a step has the state after its evaluation.
            observers.insert(0, self._learning_rate.observe)
        return Evaluation(
            dev_batches(self._plan),
            config.eval_every_n_steps,
            self._plan.steps,
            observers=observers,
            measure=None if config.best_metric == "loss" else make_dev_scorer(self._plan),
            seconds=self._seconds,
        )

    def _save(self, step: int):
        """Writes a checkpoint."""
        notes = {
            "step": step,
            "records": self.records,
            "seconds": self._evaluation.seconds,
            "run": self._plan.identity,
        }
        try:
            self._checkpoints.save(notes)
        except FloatingPointError as error:
            raise divergence_error(self._plan, step, str(error)) from error

    def _save_unevaluated_model(self, logs=None):
        """Saves the model of a run that was stopped before its first evaluation."""
        # Without an evaluation, an existing file is from an earlier stop and is older.
        if self._stopping.best is None or not self._plan.directory.model_path.exists():
            self._save_model()

    def _restore_model(self):
        """Writes the model again if its file is missing or damaged."""
        path = self._plan.directory.model_path
        if not exists(path):
            state = "missing"
        elif not is_intact(path):
            state = "damaged"
        else:
            return
        self._say(
            f"warning: {path}: {state} file, which is written again with the weights of step "
            f"{self._step:,}"
        )
        self._save_model()

    def _save_model(self):
        """Writes the model with its current weights."""
        plan = self._plan
        if plan.workers.is_chief:
            with self._writing(), averaged_weights(plan.model):
                plan.directory.save_model(plan.workers.without_replicas(plan.model))

    def _record(self, record: dict):
        """Records an evaluation, and saves the model if it is the best so far."""
        plan, is_chief = self._plan, self._plan.workers.is_chief
        if not math.isfinite(record["dev_loss"]):
            raise divergence_error(plan, record["step"], f"the dev loss is {record['dev_loss']}")
        is_best = self._stopping.observe(record)
        if is_chief:
            with self._writing():
                self._metrics_log.append(record)
        if is_best:
            self._save_model()
        self._bar.report(record, is_best)
        if is_chief:
            with self._writing(), averaged_weights(plan.model):
                self._board.write(record, is_best)
        self._saver.save()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Converts errors of writing files within the block to a `RunError`."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            reason = reason_of(error)
            raise RunError(
                f"{self._plan.directory.path}: cannot be written ({reason}); rerun the same "
                "command to resume from the last checkpoint"
            ) from error


def _describe_early_stop(stopping: StopWithoutImprovement) -> str:
    return (
        f"Stopped early: {count(stopping.evaluations_since_best, 'evaluation')} without a better "
        f"{stopping.metric} than {stopping.best[stopping.metric]:.4g} at step "
        f"{stopping.best['step']:,}"
    )
