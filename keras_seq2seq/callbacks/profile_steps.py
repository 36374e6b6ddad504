"""Where the time of chosen steps goes."""

import os

import keras
import tensorflow as tf

from keras_seq2seq.models import steps_taken


class ProfileSteps(keras.callbacks.Callback):
    """Profiles training from one step to another, for TensorBoard's Profile tab.

    TensorBoard shows it if the package `tensorboard-plugin-profile` is installed. The first steps
    of a run are slow, since they build graphs: choose later ones.

    Args:
        log_dir: The directory for `tensorboard --logdir`; the profile is its run `profile`.
        first: Integer, the first step, counted from 1.
        last: Integer, the last one.

    Example:
        >>> model.fit(train, callbacks=[ProfileSteps("logs", 100, 110)])
    """

    def __init__(self, log_dir, first, last):
        super().__init__()
        if not 1 <= first <= last:
            raise ValueError(
                f"`first` must be from 1 to `last`. Received: first={first}, last={last}"
            )
        self.log_dir = os.path.join(log_dir, "profile")
        self.first = first
        self.last = last
        self._is_running = False

    def on_train_batch_begin(self, batch, logs=None):
        if not self._is_running and self._steps_taken() + 1 == self.first:
            tf.profiler.experimental.start(self.log_dir)
            self._is_running = True

    def on_train_batch_end(self, batch, logs=None):
        if self._is_running and self._steps_taken() >= self.last:
            self._stop()

    def on_train_end(self, logs=None):
        if self._is_running:
            self._stop()

    def _steps_taken(self):
        return int(steps_taken(self.model.optimizer))

    def _stop(self):
        tf.profiler.experimental.stop()
        self._is_running = False
