"""Callbacks that save and restore training state."""

import time

import keras
from keras import ops

from keras_seq2seq.models import steps_taken


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves at regular intervals, counted in training steps, seconds or both, and at the end.

    Put this callback after `Evaluation`, so that a checkpoint saved at a step includes the
    evaluation at that step.

    Args:
        function: Function that takes the number of steps taken and saves.
        every_n_steps: Integer, the steps between two saves; `None` to ignore steps.
        every_n_seconds: Number, the seconds between two saves; `None` to ignore time.
        agree: Function that takes a boolean and returns whether it is true in any of the
            training processes, whose clocks differ. Defaults to a single process.

    Attributes:
        step: Integer, the step of the last save, or the first step of the run.

    Example:
        >>> checkpoints = Checkpoints("checkpoints", model)
        >>> saver = SaveCheckpoints(lambda step: checkpoints.save({"step": step}))
        >>> model.fit(train, callbacks=[saver])
    """

    def __init__(self, function, every_n_steps=None, every_n_seconds=600, agree=bool):
        super().__init__()
        self.agree = agree
        self.function = function
        self.every_n_steps = every_n_steps
        self.every_n_seconds = every_n_seconds

    def on_train_begin(self, logs=None):
        self.step = self._seen = self._current_step()
        self._time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if self._is_due():
            self.save()

    def on_train_end(self, logs=None):
        self.save()

    def save(self):
        """Saves now, unless the current step has been saved already."""
        step = self._current_step()
        if step != self.step:
            self.function(step)
            self.step = step
            self._time = time.monotonic()

    def _is_due(self):
        step, before = self._current_step(), self._seen
        self._seen = step
        # With `steps_per_execution`, not every step is seen.
        if self.every_n_steps and step // self.every_n_steps > before // self.every_n_steps:
            return True
        if self.every_n_seconds is None:
            return False
        return self.agree(time.monotonic() - self._time >= self.every_n_seconds)

    def _current_step(self):
        return int(steps_taken(self.model.optimizer).numpy())


class RestoreRawWeights(keras.callbacks.Callback):
    """Restores the raw weights after training with an optimizer that averages them.

    With `use_ema`, Keras replaces the weights with their moving average at the end of `fit`.
    Training can only be resumed exactly from the raw weights.

    Example:
        >>> model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999), loss=...)
        >>> model.fit(train, callbacks=[RestoreRawWeights()])
        >>> with averaged_weights(model): model.save("model.keras")
    """

    def on_epoch_end(self, epoch, logs=None):
        if self.model.optimizer.use_ema:
            self._raw_weights = [ops.copy(variable) for variable in self.model.trainable_variables]

    def on_train_end(self, logs=None):
        if self.model.optimizer.use_ema:
            pairs = zip(self.model.trainable_variables, self._raw_weights, strict=True)
            for variable, value in pairs:
                variable.assign(value)
