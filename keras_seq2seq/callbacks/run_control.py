"""Callbacks that control a run: they save its state and stop it."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import ops

from keras_seq2seq.models import steps_taken
from keras_seq2seq.models.training import inner_optimizer


def current_step(model) -> int:
    """Returns the number of training steps that a model has taken."""
    return int(steps_taken(model.optimizer).numpy())


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
        self.step = self._seen = current_step(self.model)
        self._time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if self._is_due():
            self.save()

    def on_train_end(self, logs=None):
        self.save()

    def save(self):
        """Saves now, unless the current step has been saved already."""
        step = current_step(self.model)
        if step != self.step:
            self.function(step)
            self.step = step
            self._time = time.monotonic()

    def _is_due(self):
        step, before = current_step(self.model), self._seen
        self._seen = step
        # With `steps_per_execution`, not every step is seen.
        if self.every_n_steps and step // self.every_n_steps > before // self.every_n_steps:
            return True
        if self.every_n_seconds is None:
            return False
        return self.agree(time.monotonic() - self._time >= self.every_n_seconds)


class RestoreRawWeights(keras.callbacks.Callback):
    """Restores the raw weights after training with an optimizer that averages them.

    With `use_ema`, Keras replaces the weights with their moving average at the end of `fit`.
    Training can only be resumed exactly from the raw weights.

    Example:
        >>> model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999), loss=...)
        >>> model.fit(train, callbacks=[RestoreRawWeights()])
        >>> with averaged_weights(model): model.save("model.keras")
    """

    def on_train_begin(self, logs=None):
        # Keras averages even if there are no epochs left to train.
        self._copy_weights()

    def on_epoch_end(self, epoch, logs=None):
        self._copy_weights()

    def on_train_end(self, logs=None):
        if inner_optimizer(self.model.optimizer).use_ema:
            pairs = zip(self.model.trainable_variables, self._raw_weights, strict=True)
            for variable, value in pairs:
                variable.assign(value)

    def _copy_weights(self):
        if inner_optimizer(self.model.optimizer).use_ema:
            self._raw_weights = [ops.copy(variable) for variable in self.model.trainable_variables]


class StopWithoutImprovement(keras.callbacks.Callback):
    """Stops training when a dev metric has stopped improving.

    Counts the evaluations of `Evaluation`, whereas `keras.callbacks.EarlyStopping` counts epochs.

    Args:
        metric: String, the name of the metric in the evaluation records.
        lower_is_better: Boolean, whether lower values of the metric are better.
        patience: Integer, the number of consecutive evaluations without a new best value after
            which training stops; `None` to never stop.
        records: The evaluation records of a resumed run so far, in order.

    Attributes:
        best: The record of the best evaluation, the earliest one in case of a tie; `None` before
            the first evaluation.
        evaluations_since_best: Integer, the number of evaluations after the best one.

    Example:
        >>> stopping = StopWithoutImprovement("dev_loss", patience=5)
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
        """Whether `patience` is used up."""
        return self.patience is not None and self.evaluations_since_best >= self.patience

    def observe(self, record):
        """Adds an evaluation, and stops training if `patience` is used up.

        Args:
            record: The evaluation record, a dictionary.

        Returns:
            Whether this is the best evaluation so far.
        """
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


# Of Ctrl-C, of Slurm and Kubernetes before they kill a job, and of a terminal that is closed.
# Windows lacks the last one.
_STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def handle_stop_signals(handler) -> dict:
    """Sets the handler of Ctrl-C, SIGTERM and SIGHUP, and returns the previous handlers.

    Nothing is set outside the main thread, where Python does not allow it, and SIGHUP stays ignored
    if it is, as `nohup` does.

    Args:
        handler: Function that takes the number of the signal and the stack frame.

    Returns:
        A dictionary from signals to handlers, to set again with `signal.signal`.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    # Shells start background jobs with SIGINT ignored. It is handled even so.
    handled = [
        number
        for number in _STOP_SIGNALS
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN
    ]
    return {number: signal.signal(number, handler) for number in handled}


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Handles SIGTERM and SIGHUP like Ctrl-C within the block.

    Example:
        >>> with interrupted_by_signals():
        ...     train()
    """
    before = handle_stop_signals(signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Defers Ctrl-C, SIGTERM and SIGHUP until the end of the block.

    They are not blocked by the operating system, which would deliver them to another thread of the
    process instead, and Python would handle them in the main thread even so.

    Example:
        >>> with interrupts_deferred():
        ...     update_all_files()
    """
    received = []
    before = handle_stop_signals(lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in received[:1]:
            signal.raise_signal(number)


class StopOnInterrupt(keras.callbacks.Callback):
    """Stops training after the current step on Ctrl-C, and immediately on a second Ctrl-C.

    SIGTERM, which Slurm and Kubernetes send before they kill a job, and SIGHUP, which is sent when
    a terminal is closed, have the effect of the first Ctrl-C. `nohup` still ignores SIGHUP.

    Put this callback last, so that signals are still handled while the others end training.

    Args:
        agree: Function that takes a boolean and returns whether it is true in any of the
            training processes. Defaults to a single process.

    Attributes:
        interrupted: Boolean, whether training was interrupted.

    Example:
        >>> stop = StopOnInterrupt()
        >>> model.fit(dataset, callbacks=[stop])
        >>> if stop.interrupted: model.save("model.keras")
    """

    def __init__(self, agree=bool):
        super().__init__()
        self.agree = agree
        self.interrupted = False
        self._previous_handlers = {}

    def on_train_begin(self, logs=None):
        if not self._previous_handlers:
            self._previous_handlers = handle_stop_signals(self._on_interrupt)

    def on_train_batch_end(self, batch, logs=None):
        if self.agree(self.interrupted):
            self.interrupted = True
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        while self._previous_handlers:
            signal.signal(*self._previous_handlers.popitem())

    def _on_interrupt(self, signal_number, frame):
        if self.interrupted and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        self.interrupted = True


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Raises an error after the first step whose loss is infinite or NaN.

    `keras.callbacks.TerminateOnNaN`, in contrast, ends `fit` without an error. Put this callback
    before all callbacks that save something.

    Args:
        make_error: Function that takes the step and the loss and returns the error to raise.
            Defaults to a `FloatingPointError`.

    Raises:
        FloatingPointError: During `fit`, or the error that `make_error` returns.

    Example:
        >>> model.fit(train, callbacks=[StopOnNonFiniteLoss()])
    """

    def __init__(self, make_error=lambda step, loss: FloatingPointError(f"step {step}: {loss}")):
        super().__init__()
        self.make_error = make_error

    def on_train_batch_end(self, batch, logs=None):
        # `logs["loss"]` is the mean since the last evaluation, which a single NaN turns into NaN.
        if not math.isfinite(logs["loss"]):
            raise self.make_error(current_step(self.model), logs["loss"])
