import math

import numpy as np
import pytest

from keras_seq2seq.training.schedules import DelayedDecay


@pytest.mark.parametrize(
    ("decay_type", "expected"),
    [
        # 250 steps after the start are 2.5 times `decay_steps`.
        ("exponential_decay", 0.1 * 0.5**2.5),
        ("inverse_time_decay", 0.1 / (1 + 0.5 * 2.5)),
        ("natural_exp_decay", 0.1 * math.exp(-0.5 * 2.5)),
    ],
)
def test_decays_by_its_formula(decay_type, expected):
    schedule = DelayedDecay(0.1, decay_type, decay_rate=0.5, start_decay_at=1000)
    np.testing.assert_allclose(schedule(1250), expected, rtol=1e-5)


def test_starts_and_stops_and_has_a_floor():
    schedule = DelayedDecay(
        1.0,
        "exponential_decay",
        decay_rate=0.5,
        start_decay_at=100,
        stop_decay_at=300,
        min_learning_rate=0.3,
    )
    rates = [float(schedule(step)) for step in (0, 100, 200, 300, 400)]
    np.testing.assert_allclose(rates, [1.0, 1.0, 0.5, 0.3, 0.3], rtol=1e-6)
    schedule.min_learning_rate = 1e-12
    assert float(schedule(400)) == pytest.approx(0.25)


def test_staircase_jumps():
    schedule = DelayedDecay(1.0, "exponential_decay", decay_rate=0.5, staircase=True)
    assert [float(schedule(step)) for step in (99, 100, 199, 200)] == [1.0, 0.5, 0.5, 0.25]


def test_config_round_trip():
    schedule = DelayedDecay(1.0, "natural_exp_decay", decay_steps=7)
    assert DelayedDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()
