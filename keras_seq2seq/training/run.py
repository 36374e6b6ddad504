"""Training a planned model."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from keras_seq2seq.callbacks import (
    Evaluation,
    KeepOwnWeights,
    ProgressBar,
    StopOnInterrupt,
    TensorBoard,
)
from keras_seq2seq.data import Batching, make_dataset, read_lines
from keras_seq2seq.evaluation import translate_and_score
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.metrics import LOWER_IS_BETTER
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import averaged_weights
from keras_seq2seq.training.batching import make_batching
from keras_seq2seq.training.checkpoints import Checkpoints
from keras_seq2seq.training.learning_rate import make_learning_rate
from keras_seq2seq.training.metrics_log import MetricsLog
from keras_seq2seq.training.optimizer import make_optimizer
from keras_seq2seq.training.plan import TrainingPlan
from keras_seq2seq.training.schedules import Plateau
from keras_seq2seq.translator import Translator

_DEV_BATCH_SIZE = 128


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
        KeyboardInterrupt: After Ctrl-C, when the state has been saved.
    """
    config, directory, model = plan.config, plan.directory, plan.model
    console = console or Console(stderr=True, highlight=False)
    directory.create(config, plan.source_vocabulary, plan.target_vocabulary)
    learning_rate = make_learning_rate(config, plan.steps)
    optimizer = make_optimizer(config.hparams.optimizer, learning_rate)
    optimizer.build(model.trainable_variables)
    loss = MaskedCrossEntropy(label_smoothing=config.hparams.optimizer.label_smoothing)
    model.compile(optimizer, loss=loss)

    checkpoints = Checkpoints(directory.checkpoints_path, model)
    metrics_log = MetricsLog(directory.metrics_path)
    step = checkpoints.restore()
    metrics_log.forget_after(step)
    if step:
        console.print(
            f"{directory.path}: going on after step {step:,} of {plan.steps:,}", soft_wrap=True
        )
    if step >= plan.steps:
        return TrainingResult(directory, metrics_log.records)

    bar = ProgressBar(plan.steps, console)
    stop = StopOnInterrupt()
    board = TensorBoard(directory.logs_path)
    metric = config.best_metric

    def keep(record):
        metrics_log.append(record)
        board.write(record)
        is_best = metrics_log.is_best(f"dev_{metric}", metric in ("loss", *LOWER_IS_BETTER))
        if is_best:
            with averaged_weights(model):
                directory.save_model(model)
        bar.report(record, is_best)
        checkpoints.save()

    is_plateau = isinstance(learning_rate, Plateau)
    evaluation = Evaluation(
        _dev_data(plan),
        config.eval_every_n_steps,
        plan.steps,
        observers=[learning_rate.observe, keep] if is_plateau else [keep],
        measure=None if metric == "loss" else _dev_scorer(plan, metric),
    )
    model.fit(
        _train_data(plan).skip(step),
        steps_per_epoch=plan.steps - step,
        shuffle=False,  # the data comes shuffled
        callbacks=[
            KeepOwnWeights(),
            keras.callbacks.LambdaCallback(on_epoch_begin=checkpoints.restore_metrics),
            bar,
            evaluation,
            stop,
        ],
        verbose=0,
    )
    if stop.interrupted:
        checkpoints.save()
        console.print(
            f"Stopped after step {checkpoints.step:,} of {plan.steps:,}; everything is saved in "
            f"{directory.path}. The same command goes on from there.",
            soft_wrap=True,
        )
        raise KeyboardInterrupt
    return TrainingResult(directory, metrics_log.records)


def _dev_scorer(plan: TrainingPlan, metric: str):
    """Returns a function that translates the dev data with the weights of the moment."""
    config = plan.config
    translator = Translator.from_config(
        config, plan.model, plan.source_vocabulary, plan.target_vocabulary
    )
    sources, targets = list(read_lines(config.dev_source)), list(read_lines(config.dev_target))
    # Where tokens are what blanks part, that is what the metric counts too.
    tokenize = "none" if config.hparams.target.tokenizer == "whitespace" else "13a"
    return lambda: translate_and_score(
        translator, sources, targets, [metric], tokenize=tokenize, batch_size=_DEV_BATCH_SIZE
    )


def _train_data(plan: TrainingPlan) -> tf.data.Dataset:
    config = plan.config
    return make_dataset(
        config.train_source,
        config.train_target,
        **_data_options(plan, plan.batching),
        shuffle=True,
        seed=config.seed,
        epochs=None,
    )


def _dev_data(plan: TrainingPlan) -> tf.data.Dataset:
    batching = make_batching(plan.config, plan.dev_summary)
    dataset = make_dataset(
        plan.config.dev_source, plan.config.dev_target, **_data_options(plan, batching)
    )
    # Keras warns of a dataset that ends without having told how many batches it has.
    batches = dataset.reduce(np.int64(0), lambda count, _: count + 1)
    return dataset.apply(tf.data.experimental.assert_cardinality(batches))


def _data_options(plan: TrainingPlan, batching: Batching) -> dict:
    hparams = plan.config.hparams
    return {
        "source_vocabulary": plan.source_vocabulary,
        "target_vocabulary": plan.target_vocabulary,
        "source_tokenizer": hparams.source.tokenizer,
        "target_tokenizer": hparams.target.tokenizer,
        "batch_size": batching.batch_sizes,
        "buckets": batching.buckets,
        "source_max_length": hparams.source.max_seq_len,
        "target_max_length": hparams.target.max_seq_len,
        "reverse_source": hparams.source.reverse,
    }
