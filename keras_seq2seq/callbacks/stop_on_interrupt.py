"""Ctrl-C as a request."""

import signal
import threading

import keras


class StopOnInterrupt(keras.callbacks.Callback):
    """Ends training after the current step when Ctrl-C is pressed; a second one ends it at once.

    Attributes:
        interrupted: Boolean, whether it happened.

    Example:
        >>> stop = StopOnInterrupt()
        >>> model.fit(dataset, callbacks=[stop])
        >>> if stop.interrupted: model.save("model.keras")
    """

    def __init__(self):
        super().__init__()
        self.interrupted = False

    def on_train_begin(self, logs=None):
        self._is_main_thread = threading.current_thread() is threading.main_thread()
        if self._is_main_thread:
            self._previous = signal.signal(signal.SIGINT, self._on_interrupt)

    def on_train_batch_end(self, batch, logs=None):
        if self.interrupted:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self._is_main_thread:
            signal.signal(signal.SIGINT, self._previous)

    def _on_interrupt(self, signal_number, frame):
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
