import keras
import numpy as np
import pytest

from keras_seq2seq.training.schedules import DelayedDecay, WarmUp


def test_rises_to_a_number():
    rates = [float(WarmUp(0.8, 4)(step)) for step in range(6)]
    np.testing.assert_allclose(rates, [0.2, 0.4, 0.6, 0.8, 0.8, 0.8], rtol=1e-6)


def test_rises_to_another_schedule():
    decay = DelayedDecay(1.0, "exponential_decay", decay_steps=1, decay_rate=0.5, start_decay_at=2)
    rates = [float(WarmUp(decay, 2)(step)) for step in range(5)]
    np.testing.assert_allclose(rates, [0.5, 1.0, 1.0, 0.5, 0.25], rtol=1e-6)


def test_refuses_no_steps():
    with pytest.raises(ValueError, match="warmup_steps=0"):
        WarmUp(1.0, 0)


@pytest.mark.parametrize("schedule", [0.8, DelayedDecay(0.8, "inverse_time_decay", 3)])
def test_config_round_trip(schedule):
    schedule = WarmUp(schedule, 4)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert [float(again(step)) for step in (0, 9)] == [float(schedule(step)) for step in (0, 9)]
