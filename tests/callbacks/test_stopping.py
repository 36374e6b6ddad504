import os
import signal
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_seq2seq.callbacks import (
    StopOnInterrupt,
    StopOnNonFiniteLoss,
    StopWithoutImprovement,
    interrupted_by_signals,
)


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
