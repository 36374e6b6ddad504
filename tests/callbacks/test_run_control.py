import os
import signal
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq2seq.callbacks import (
    RestoreRawWeights,
    SaveCheckpoints,
    StopOnInterrupt,
    StopOnNonFiniteLoss,
    StopWithoutImprovement,
    interrupted_by_signals,
    interrupts_deferred,
)
from keras_seq2seq.callbacks.run_control import current_step


def test_counts_the_steps_of_several_devices():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(7)
    assert current_step(model) == 7


def follow(stopping, values):
    """Returns whether each evaluation was the best so far, and the step of the stop, if any."""
    model = SimpleNamespace(stop_training=False)
    stopping.set_model(model)
    best = []
    for step, value in enumerate(values, 1):
        best.append(stopping.observe({"step": step, stopping.metric: value}))
        if model.stop_training:
            return best, step
    return best, None


def test_a_tie_is_no_improvement():
    best, stopped = follow(
        StopWithoutImprovement("dev_loss", patience=2), [3.0, 2.0, 2.5, 1.0, 1.0, 1.5]
    )
    assert best == [True, True, False, True, False, False]
    assert stopped == 6


def test_a_metric_may_be_maximized():
    stopping = StopWithoutImprovement("dev_bleu", lower_is_better=False, patience=1)
    assert follow(stopping, [10.0, 12.0, 11.0]) == ([True, True, False], 3)
    assert stopping.best == {"step": 2, "dev_bleu": 12.0}


def test_never_stops_without_patience():
    assert follow(StopWithoutImprovement("dev_loss"), [1.0] * 50) == ([True] + [False] * 49, None)


def test_nan_is_never_the_best():
    assert follow(StopWithoutImprovement("dev_loss"), [float("nan"), 2.0])[0] == [False, True]


@pytest.mark.parametrize("earlier", range(5))
def test_a_resumed_run_continues_counting(earlier):
    values = [3.0, 2.0, 2.1, 2.2, 2.3]
    records = [{"step": i, "dev_loss": value} for i, value in enumerate(values[:earlier])]
    stopping = StopWithoutImprovement("dev_loss", patience=3, records=records)
    assert not stopping.is_exhausted
    assert follow(stopping, values[earlier:])[1] == len(values) - earlier
    assert stopping.is_exhausted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_training_after_the_step(number):
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


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_non_finite_loss_is_an_error_at_its_step(value):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    targets = np.array([1.0, 1.0, value, 1.0])
    with pytest.raises(FloatingPointError, match="step 3: (nan|inf)"):
        model.fit(
            np.ones((4, 1)),
            targets,
            batch_size=1,
            shuffle=False,
            callbacks=[StopOnNonFiniteLoss()],
            verbose=0,
        )


@pytest.mark.parametrize("numbers", [(signal.SIGHUP, signal.SIGTERM), (signal.SIGTERM,) * 3])
def test_only_a_second_ctrl_c_stops_at_once(numbers):
    stop = StopOnInterrupt()
    stop.on_train_begin()
    try:
        for number in numbers:
            os.kill(os.getpid(), number)
        assert stop.interrupted
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        stop.on_train_end()


def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_are_like_ctrl_c(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_deferred_signal_interrupts_after_the_block(number):
    is_complete = False
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals(), interrupts_deferred():
        os.kill(os.getpid(), number)
        time.sleep(0.01)
        is_complete = True
    assert is_complete


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


def test_raw_weights_stay_if_no_epoch_is_left():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5), loss="mse")
    model.layers[0].set_weights([np.zeros((1, 1))])
    data = np.ones((2, 1), "float32")
    for epochs in ({"epochs": 1}, {"epochs": 1, "initial_epoch": 1}):
        model.fit(
            data, 2 * data, batch_size=1, verbose=0, callbacks=[RestoreRawWeights()], **epochs
        )
        assert model.layers[0].get_weights()[0] == 1.5


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
