"""Callbacks that save training state."""

import time

import keras
from keras import ops

from keras_seq2seq.models import steps_taken


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves every so many training steps or seconds.

    It belongs behind `Evaluation` in the list of callbacks, so that what is saved at a step is
    its evaluation too.

    Args:
        function: Function of the number of steps taken, which saves.
        every_n_steps: Integer, `None` for none by steps.
        every_n_seconds: Number, `None` for none by time.
        agree: Function of a boolean that returns whether it is true in any of several processes,
            whose clocks differ.

    Attributes:
        step: Integer, the step of the last save, or that the training began with.

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
        self.step = self._current_step()
        self._time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if self._is_due():
            self.save()

    def save(self):
        """Saves now, if it has not been done after this step."""
        step = self._current_step()
        if step != self.step:
            self.function(step)
            self.step = step
            self._time = time.monotonic()

    def _is_due(self):
        if self.every_n_steps is not None and self._current_step() % self.every_n_steps == 0:
            return True
        if self.every_n_seconds is None:
            return False
        return self.agree(time.monotonic() - self._time >= self.every_n_seconds)

    def _current_step(self):
        return int(steps_taken(self.model.optimizer).numpy())


class RestoreRawWeights(keras.callbacks.Callback):
    """Leaves a model its own weights where the optimizer keeps their moving average.

    Keras ends `fit` by setting the weights to their average, with which no training could go on
    as if it had not been stopped.

    Example:
        >>> model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999), loss=...)
        >>> model.fit(train, callbacks=[RestoreRawWeights()])
        >>> with averaged_weights(model): model.save("model.keras")
    """

    def on_epoch_end(self, epoch, logs=None):
        if self.model.optimizer.use_ema:
            self._own = [ops.copy(variable) for variable in self.model.trainable_variables]

    def on_train_end(self, logs=None):
        if self.model.optimizer.use_ema:
            for variable, value in zip(self.model.trainable_variables, self._own, strict=True):
                variable.assign(value)
