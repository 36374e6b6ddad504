"""The full state of a run, to go on from after a stop."""

import os

import tensorflow as tf

from keras_seq2seq.models import Seq2Seq, steps_taken


class Checkpoints:
    """Saves and restores weights, optimizer, metrics and random state.

    Args:
        path: The directory.
        model: The compiled model, its optimizer built.
        max_to_keep: The number of checkpoints to keep.
    """

    def __init__(self, path: str | os.PathLike, model: Seq2Seq, max_to_keep: int = 2):
        self._model = model
        # Keras' own tracking leaves the seeds of dropout out; `variables` has them.
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        state = tf.train.Checkpoint(variables=[variable.value for variable in variables])
        self._manager = tf.train.CheckpointManager(state, os.fspath(path), max_to_keep=max_to_keep)

    def save(self):
        """Saves the state under the number of training steps taken."""
        self._manager.save(checkpoint_number=self.step)

    def restore(self) -> int:
        """Restores the newest state, if there is one, and returns the number of steps taken."""
        if self._manager.latest_checkpoint:
            self._manager.checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        self._metrics = [variable.numpy() for variable in self._model.metrics_variables]
        return self.step

    def restore_metrics(self, *args):
        """Restores the training metrics once more, after `fit` has reset them."""
        for variable, value in zip(self._model.metrics_variables, self._metrics, strict=True):
            variable.assign(value)

    @property
    def step(self) -> int:
        """The number of training steps taken."""
        return int(steps_taken(self._model.optimizer))
