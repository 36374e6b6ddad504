"""Ctrl-C and SIGTERM as requests."""

import signal
import threading

import keras


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
