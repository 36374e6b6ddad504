import time

import keras
import numpy as np
import pytest

from keras_seq2seq.callbacks import RestoreRawWeights, SaveCheckpoints


@pytest.mark.parametrize("restores", [True, False])
def test_raw_weights_are_restored(restores):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5), loss="mse")
    model.layers[0].set_weights([np.zeros((1, 1))])
    data = np.ones((2, 1), "float32")
    model.fit(
        data, 2 * data, batch_size=1, verbose=0, callbacks=[RestoreRawWeights()] if restores else []
    )
    # Two steps halve the error of 2: the weights are 1 and 1.5, and their average is 1.25.
    assert model.layers[0].get_weights()[0] == (1.5 if restores else 1.25)


def fit(saver, steps=10, seconds=0.0):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    wait = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: time.sleep(seconds)
    )
    model.fit(np.ones((steps, 1)), np.ones(steps), batch_size=1, callbacks=[wait, saver], verbose=0)


def test_saves_every_n_steps():
    steps = []
    fit(SaveCheckpoints(steps.append, every_n_steps=3, every_n_seconds=None))
    # The last one is at the end.
    assert steps == [3, 6, 9, 10]


def test_saves_every_n_seconds():
    start = time.monotonic()
    times = []
    saver = SaveCheckpoints(lambda step: times.append(time.monotonic()), every_n_seconds=0.25)
    fit(saver, steps=6, seconds=0.1)
    # The last one is at the end.
    times = [start, *times[:-1]]
    assert len(times) > 1
    assert all(later - earlier >= 0.25 for earlier, later in zip(times, times[1:], strict=False))


def test_a_step_is_saved_once():
    steps = []
    saver = SaveCheckpoints(steps.append, every_n_steps=2, every_n_seconds=None)
    save = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: saver.save())
    saver.set_model(model := keras.Sequential([keras.layers.Dense(1)]))
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 1)), np.ones(4), batch_size=1, callbacks=[save, saver], verbose=0)
    assert steps == [1, 2, 3, 4]
    assert saver.step == 4
