import numpy as np
import pytest

from keras_seq2seq.training.schedules import InverseSquareRoot, WarmUp


def test_four_times_the_steps_halve_it():
    schedule = InverseSquareRoot(0.4, 100, stop_decay_at=1600, min_learning_rate=0.0)
    rates = [float(schedule(step)) for step in (0, 100, 400, 1600, 6400)]
    np.testing.assert_allclose(rates, [0.4, 0.4, 0.2, 0.1, 0.1], rtol=1e-6)
    schedule.min_learning_rate = 0.15
    assert float(schedule(1600)) == pytest.approx(0.15)


@pytest.mark.parametrize("step", [0, 10, 398, 399, 5000])
def test_with_a_warm_up_it_is_the_schedule_of_transformers(step):
    size, warmup_steps = 512, 400
    schedule = WarmUp(
        InverseSquareRoot((size * warmup_steps) ** -0.5, start_decay_at=warmup_steps), warmup_steps
    )
    # The paper counts from 1. Past the peak the schedule is one step behind.
    number = step + 1 if step < warmup_steps else step
    noam = size**-0.5 * min(number**-0.5, number * warmup_steps**-1.5)
    assert float(schedule(step)) == pytest.approx(noam, rel=1e-5)


def test_needs_a_step_to_start_at():
    with pytest.raises(ValueError, match="start_decay_at=0"):
        InverseSquareRoot(1.0, 0)


def test_config_round_trip():
    schedule = InverseSquareRoot(1.0, 3, 7)
    again = InverseSquareRoot.from_config(schedule.get_config())
    assert again.get_config() == schedule.get_config()
