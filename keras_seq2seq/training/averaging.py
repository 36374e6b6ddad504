"""Averaging of checkpoints."""

import os

import keras
import numpy as np
import tensorflow as tf

from keras_seq2seq.building.model import build_model, make_learning_rate, make_optimizer
from keras_seq2seq.config import Config
from keras_seq2seq.config.optimizer import NEVER
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import LOWER_IS_BETTER
from keras_seq2seq.files import LiteralDirectory, atomic_directory
from keras_seq2seq.model_directory import ModelDirectory, find_checkpoints
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.training.checkpoints import variables_in_checkpoints
from keras_seq2seq.training.records import MetricsLog


def average_checkpoints(
    model_dir: str | os.PathLike,
    output_dir: str | os.PathLike,
    *,
    last: int | None = None,
    best: int | None = None,
) -> list[int]:
    """Writes a model whose weights are the mean of those of several checkpoints of a run.

    The averaged model is usually slightly better than each of them. By default, all checkpoints in
    the directory are averaged. If the run keeps moving averages of its weights
    (`optimizer.ema_momentum`), the mean of these is computed.

    Args:
        model_dir: The model directory of the run.
        output_dir: The directory of the new model, which must be new or empty.
        last: Number of checkpoints to average, the latest ones.
        best: Number of checkpoints to average, the best ones by the run's `best_metric` on the dev
            data.

    Returns:
        The steps of the checkpoints.

    Raises:
        UserError: If there are too few checkpoints, one cannot be read, or the new model cannot be
            written.
        TypeError: If both `last` and `best` are given.

    Example:
        >>> average_checkpoints("model", "averaged", last=5)
        [600, 700, 800, 900, 1000]

    Reference:
        - Junczys-Dowmunt et al., 2016, "The AMU-UEDIN Submission to the WMT16 News Translation
          Task", https://arxiv.org/abs/1605.04809, section 2.3
    """
    if last is not None and best is not None:
        raise TypeError("expected at most one of `last` and `best`")
    directory = ModelDirectory(model_dir)
    config = directory.load_config()
    # Reserved before the work, which takes a while.
    with atomic_directory(output_dir) as output:
        chosen, model = _average(directory, config, last, best)
        result = ModelDirectory(output)
        result.create(config, *directory.load_tokenizers())
        result.save_model(model)
    return chosen


def _average(
    directory: ModelDirectory, config: Config, last: int | None, best: int | None
) -> tuple[list[int], Seq2Seq]:
    """Returns the steps of the chosen checkpoints, and a model with the mean of their weights."""
    checkpoints = find_checkpoints(directory.checkpoints_path)
    if not checkpoints:
        raise UserError(f"{directory.path}: contains no checkpoints to average")
    if best is None:
        steps, number = list(checkpoints), last or len(checkpoints)
        chosen = steps[-number:]
        found = f"contains {len(steps)} checkpoints"
    else:
        steps, number = _best_first(directory, config, checkpoints), best
        chosen = sorted(steps[:number])
        found = f"contains {len(steps)} evaluated checkpoints"
    if len(steps) < number:
        raise UserError(f"{directory.checkpoints_path}: {found}; expected at least {number}")

    source, target = directory.load_tokenizers()
    model = build_model(config, source.vocabulary_size(), target.vocabulary_size())
    weights = _with_places(model, config)
    sums = [np.zeros(variable.shape, "float64") for variable, _ in weights]
    for step in chosen:
        for total, values in zip(sums, _read(checkpoints[step], weights), strict=True):
            total += values
    for (variable, _), total in zip(weights, sums, strict=True):
        variable.assign(total / number)
    return chosen, model


def _with_places(model: Seq2Seq, config: Config) -> list[tuple[keras.Variable, int]]:
    """Returns the weights of a model, each with the index of its value in a checkpoint.

    Where a run keeps moving averages of the weights, these are the values that it evaluates.
    """
    options = config.hparams.optimizer
    # Only the variables of the optimizer are needed, which do not depend on the length of the run.
    optimizer = make_optimizer(options, make_learning_rate(config, NEVER))
    optimizer.build(model.trainable_variables)
    model.compile(optimizer)
    places = {id(variable): place for place, variable in enumerate(variables_in_checkpoints(model))}
    if options.ema_momentum:
        averages = optimizer._model_variables_moving_average
        for variable, average in zip(model.trainable_variables, averages, strict=True):
            places[id(variable)] = places[id(average)]
    return [(variable, places[id(variable)]) for variable in model.weights]


def _best_first(directory: ModelDirectory, config: Config, steps) -> list[int]:
    """Returns the evaluated steps, the best one first."""
    sign = 1 if config.best_metric in LOWER_IS_BETTER else -1
    name = f"dev_{config.best_metric}"
    values = {
        record["step"]: sign * record[name]
        for record in MetricsLog(directory.metrics_path).records
        if record["step"] in steps and name in record
    }
    return sorted(values, key=values.get)


def _read(path: str, weights) -> list[np.ndarray]:
    """Returns the values of variables in a checkpoint, given with their indices there."""
    try:
        directory, name = os.path.split(path)
        literal = LiteralDirectory(directory)
        reader = tf.train.load_checkpoint(os.path.join(literal.path, name))
        values = [
            reader.get_tensor(f"variables/{place}/.ATTRIBUTES/VARIABLE_VALUE")
            for _, place in weights
        ]
    # TensorFlow raises an IndexError for a truncated file.
    except (tf.errors.OpError, IndexError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot read the checkpoint ({reason})") from error
    for (variable, _), value in zip(weights, values, strict=True):
        if value.shape != tuple(variable.shape):
            raise UserError(
                f"{path}: checkpoint of another model: {variable.path} has shape "
                f"{value.shape}; expected {tuple(variable.shape)}"
            )
    return values
