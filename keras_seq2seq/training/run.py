"""Training a planned model."""

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule
from rich.console import Console

from keras_seq2seq.callbacks import (
    EarlyStopping,
    Evaluation,
    KeepOwnWeights,
    ProgressBar,
    SaveCheckpoints,
    StopOnInterrupt,
    StopOnNonFiniteLoss,
    TrackGradientNorm,
)
from keras_seq2seq.data import read_lines
from keras_seq2seq.errors import RunError
from keras_seq2seq.evaluation import translate_and_score
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.metrics import LOWER_IS_BETTER
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import averaged_weights
from keras_seq2seq.training.batches import dev_batches, lines_of_steps, train_batches
from keras_seq2seq.training.checkpoints import Checkpoints
from keras_seq2seq.training.event_files import forget_events_after
from keras_seq2seq.training.learning_rate import make_learning_rate
from keras_seq2seq.training.metrics_log import MetricsLog
from keras_seq2seq.training.optimizer import make_optimizer
from keras_seq2seq.training.plan import TrainingPlan
from keras_seq2seq.training.replication import replicate
from keras_seq2seq.training.run_board import RunBoard
from keras_seq2seq.training.run_record import RunRecord
from keras_seq2seq.training.schedules import Plateau
from keras_seq2seq.training.workers import Workers
from keras_seq2seq.translator import Translator

_DEV_BATCH_SIZE = 128
_DEFAULT_CHECKPOINT_SECONDS = 600
_AT_THE_START = {"step": 0, "records": [], "seconds": 0.0}


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
        return _train(plan, _console_for(plan.workers, console))


def _train(plan: TrainingPlan, console: Console) -> TrainingResult:
    config, directory, model, workers = plan.config, plan.directory, plan.model, plan.workers

    def say(line):
        console.print(line, soft_wrap=True)

    if workers.is_chief:
        if plan.resume == "never":
            directory.clear()
        directory.create(config, plan.source_vocabulary, plan.target_vocabulary)
    # The others wait for that.
    workers.any(False)
    learning_rate = compile_model(plan)
    checkpoints = Checkpoints(
        directory.checkpoints_path,
        model,
        config.keep_checkpoint_max,
        config.keep_checkpoint_every_n_hours,
        workers.is_chief,
    )
    notes = checkpoints.restore(lambda line: say(f"warning: {line}")) or _AT_THE_START
    step = notes["step"]
    if workers.any(step != workers.of_chief(step)):
        raise RunError(
            f"{directory.path}: the workers see different checkpoints; expected an --output_dir "
            "that all of them share"
        )
    workers.vary_seeds(model)
    metrics_log = MetricsLog(directory.metrics_path)
    if workers.is_chief:
        metrics_log.reset(notes["records"])
        # Where nothing was saved, even what was written before the first step is written again.
        forget_events_after(directory.logs_path, step or -1)
        changes = RunRecord(directory.run_path).add_start(step, config.seed, plan.fingerprints)
        for name, change in changes.items():
            say(f"warning: going on with {name} {change}; results may differ in their last digits")

    metric = config.best_metric
    stopping = EarlyStopping(
        f"dev_{metric}",
        metric in ("loss", *LOWER_IS_BETTER),
        config.early_stopping_patience,
        notes["records"],
    )
    if step:
        say(f"{directory.path}: going on after step {step:,} of {plan.steps:,}")
    if stopping.is_exhausted:
        say(_describe_early_stop(stopping))
    if step >= plan.steps or stopping.is_exhausted:
        return TrainingResult(directory, metrics_log.records)

    def save(step):
        notes = {"step": step, "records": metrics_log.records, "seconds": evaluation.seconds}
        try:
            checkpoints.save(notes)
        except FloatingPointError as error:
            raise _diverged(plan, step, str(error)) from error

    def keep(record):
        if not math.isfinite(record["dev_loss"]):
            raise _diverged(plan, record["step"], f"the dev loss is {record['dev_loss']}")
        is_best = stopping.observe(record)
        if workers.is_chief:
            with _writing_to(directory.path):
                metrics_log.append(record)
                if is_best:
                    with averaged_weights(model):
                        directory.save_model(workers.without_replicas(model))
        bar.report(record, is_best)
        if workers.is_chief:
            with _writing_to(directory.path), averaged_weights(model):
                board.write(record, is_best)
        saver.save()

    bar = ProgressBar(plan.steps, console)
    stop = StopOnInterrupt(workers.any)
    board = None
    if workers.is_chief:
        with _writing_to(directory.path):
            board = RunBoard(plan, step, console)
    seconds = config.save_checkpoints_secs
    if seconds is None and config.save_checkpoints_steps is None:
        seconds = _DEFAULT_CHECKPOINT_SECONDS
    saver = SaveCheckpoints(save, config.save_checkpoints_steps, seconds, workers.any)
    is_plateau = isinstance(learning_rate, Plateau)
    evaluation = Evaluation(
        dev_batches(plan),
        config.eval_every_n_steps,
        plan.steps,
        # What is saved at a step has to be the state after its evaluation.
        observers=[learning_rate.observe, keep] if is_plateau else [keep],
        measure=None if metric == "loss" else _dev_scorer(plan, metric),
        seconds=notes["seconds"],
    )
    try:
        model.fit(
            train_batches(plan, step),
            steps_per_epoch=plan.steps - step,
            shuffle=False,  # the data comes shuffled
            callbacks=[
                KeepOwnWeights(),
                keras.callbacks.LambdaCallback(on_epoch_begin=checkpoints.restore_metrics),
                bar,
                StopOnNonFiniteLoss(
                    lambda step, loss: _diverged(plan, step, f"the loss is {loss}")
                ),
                TrackGradientNorm(),
                evaluation,
                stopping,
                saver,
                stop,
                *(board.callbacks if board else ()),
            ],
            verbose=0,
        )
    finally:
        # After an error, `fit` does not.
        bar.on_train_end()
        stop.on_train_end()
    if stop.interrupted:
        saver.save()
        say(
            f"Stopped after step {saver.step:,} of {plan.steps:,}; everything is saved in "
            f"{directory.path}. The same command goes on from there."
        )
        raise KeyboardInterrupt
    if stopping.is_exhausted:
        say(_describe_early_stop(stopping))
    return TrainingResult(directory, metrics_log.records)


def _console_for(workers: Workers, console: Console | None) -> Console:
    if workers.processes == 1:
        return console or Console(stderr=True, highlight=False)
    # The chief alone speaks, and without a bar, whose figures all processes had to ask for.
    file = console.file if console else sys.stderr
    return Console(
        file=file, force_terminal=False, quiet=not workers.is_chief, highlight=False, width=200
    )


def compile_model(plan: TrainingPlan) -> float | LearningRateSchedule:
    """Compiles the model, and returns its learning rate."""
    config, model = plan.config, plan.model
    with plan.workers.strategy.scope():
        learning_rate = make_learning_rate(config, plan.steps)
        optimizer = make_optimizer(config.hparams.optimizer, learning_rate)
        optimizer.build(model.trainable_variables)
        loss = MaskedCrossEntropy(label_smoothing=config.hparams.optimizer.label_smoothing)
        model.compile(optimizer, loss=loss)
        if plan.workers.replicas > 1:
            replicate(model, plan.workers)
    return learning_rate


@contextmanager
def _writing_to(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{path}: cannot be written ({reason}); the same command goes on from the last "
            "checkpoint"
        ) from error


def _describe_early_stop(stopping: EarlyStopping) -> str:
    return (
        f"Stopped early: {stopping.evaluations_since_best} evaluations without a better "
        f"{stopping.metric} than {stopping.best[stopping.metric]:.4g} of step "
        f"{stopping.best['step']:,}"
    )


def _diverged(plan: TrainingPlan, step: int, what: str) -> RunError:
    """Returns the error of a run whose numbers have left the range, with the lines it read."""
    *before, lines = [
        ", ".join(map(str, numbers)) for numbers in lines_of_steps(plan, max(step - 1, 1), step)
    ]
    before = f", that of the step before lines {before[0]}" if before else ""
    return RunError(
        f"step {step:,}: {what}; its batch is lines {lines} of {plan.config.train_source} and "
        f"{plan.config.train_target}{before}; the checkpoints are of steps before and whole; "
        "correct these lines, or train with a lower optimizer.learning_rate or "
        "optimizer.clip_gradients"
    )


def _dev_scorer(plan: TrainingPlan, metric: str):
    """Returns a function that translates the dev data with the weights of the moment."""
    config = plan.config
    translator = Translator.from_config(
        config, plan.model, plan.source_vocabulary, plan.target_vocabulary
    )
    sources, targets = list(read_lines(config.dev_source)), list(read_lines(config.dev_target))
    # Where tokens are what blanks part, that is what the metric counts too.
    tokenize = "none" if config.hparams.target.tokenizer == "whitespace" else "13a"

    def measure():
        scores = translate_and_score(
            translator, sources, targets, [metric], tokenize=tokenize, batch_size=_DEV_BATCH_SIZE
        )
        # All stop together or go on together.
        return {name: plan.workers.of_chief(score) for name, score in scores.items()}

    return measure
