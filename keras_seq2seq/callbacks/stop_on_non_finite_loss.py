"""An end to a run whose loss is no number."""

import math

import keras

from keras_seq2seq.models import steps_taken


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Raises an error after the step whose loss is infinite or not a number.

    `keras.callbacks.TerminateOnNaN` ends the training as if nothing was wrong. It belongs before
    all callbacks that save something.

    Args:
        make_error: Function of the step and the loss that returns the error to raise.

    Example:
        >>> model.fit(train, callbacks=[StopOnNonFiniteLoss()])
    """

    def __init__(self, make_error=lambda step, loss: FloatingPointError(f"step {step}: {loss}")):
        super().__init__()
        self.make_error = make_error

    def on_train_batch_end(self, batch, logs=None):
        # A mean over the steps since the evaluation before: one loss that is none spoils it.
        if not math.isfinite(logs["loss"]):
            raise self.make_error(int(steps_taken(self.model.optimizer).numpy()), logs["loss"])
