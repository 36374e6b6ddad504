import os
import signal

import keras
import numpy as np
import pytest

from keras_seq2seq.callbacks import StopOnInterrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_step(number):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    def send(batch, logs):
        if batch == 2:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    stop = StopOnInterrupt()
    model.fit(
        np.ones((9, 1)),
        np.ones(9),
        batch_size=1,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=send), stop],
        verbose=0,
    )
    assert stop.interrupted
    assert int(model.optimizer.iterations) == 3
    assert signal.getsignal(number) == before
