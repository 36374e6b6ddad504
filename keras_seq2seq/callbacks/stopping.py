"""Callbacks that stop training."""

import math
import signal
import threading

import keras

from keras_seq2seq.models import steps_taken


class EarlyStopping(keras.callbacks.Callback):
    """Follows one metric of the records of `Evaluation`.

    `keras.callbacks.EarlyStopping` counts epochs; this one counts evaluations.

    Args:
        metric: String, the name in the record.
        lower_is_better: Boolean.
        patience: Integer, the evaluations in a row without a new best after which training
            stops; `None` for no end.
        records: Evaluations of the run that goes on, in their order.

    Attributes:
        best: The record of the best evaluation, the first of several; `None` before any.
        evaluations_since_best: Integer.

    Example:
        >>> stopping = EarlyStopping("dev_loss", patience=5)
        >>> evaluation = Evaluation(dev, observers=[stopping.observe])
        >>> model.fit(train, callbacks=[evaluation, stopping])
    """

    def __init__(self, metric="dev_loss", lower_is_better=True, patience=None, records=()):
        super().__init__()
        self.metric = metric
        self.lower_is_better = lower_is_better
        self.patience = patience
        self.best = None
        self.evaluations_since_best = 0
        for record in records:
            self._compare(record)

    @property
    def is_exhausted(self):
        """Whether it is time to stop."""
        return self.patience is not None and self.evaluations_since_best >= self.patience

    def observe(self, record):
        """Takes the next evaluation, and returns whether it is the best one."""
        is_best = self._compare(record)
        if self.is_exhausted:
            self.model.stop_training = True
        return is_best

    def _compare(self, record):
        value = record[self.metric]
        if self.best is None:
            is_best = not math.isnan(value)
        elif self.lower_is_better:
            is_best = value < self.best[self.metric]
        else:
            is_best = value > self.best[self.metric]
        self.best = record if is_best else self.best
        self.evaluations_since_best = 0 if is_best else self.evaluations_since_best + 1
        return is_best


class StopOnInterrupt(keras.callbacks.Callback):
    """Ends training after the current step when Ctrl-C is pressed; a second one ends it at once.

    The signal SIGTERM, with which Slurm and Kubernetes announce the end, does the same.

    Args:
        agree: Function of a boolean that returns whether it is true in any of several processes.

    Attributes:
        interrupted: Boolean, whether it happened.

    Example:
        >>> stop = StopOnInterrupt()
        >>> model.fit(dataset, callbacks=[stop])
        >>> if stop.interrupted: model.save("model.keras")
    """

    def __init__(self, agree=bool):
        super().__init__()
        self.agree = agree
        self.interrupted = False
        self._previous = {}

    def on_train_begin(self, logs=None):
        # Only the main thread may ask for signals.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_interrupt)

    def on_train_batch_end(self, batch, logs=None):
        if self.agree(self.interrupted):
            self.interrupted = True
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        while self._previous:
            signal.signal(*self._previous.popitem())

    def _on_interrupt(self, signal_number, frame):
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True


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
