import numpy as np
import pytest

from keras_seq2seq.training.schedules import CosineDecay


def test_falls_along_half_a_cosine():
    schedule = CosineDecay(1.0, start_decay_at=100, stop_decay_at=300, min_learning_rate=0.2)
    rates = [float(schedule(step)) for step in (0, 100, 150, 200, 300, 400)]
    # A quarter of the way the cosine is sqrt(1/2), in the middle 0.
    quarter = 0.2 + 0.8 * (1 + 0.5**0.5) / 2
    np.testing.assert_allclose(rates, [1.0, 1.0, quarter, 0.6, 0.2, 0.2], rtol=1e-6)


def test_refuses_an_end_before_its_start():
    with pytest.raises(ValueError, match="start_decay_at=5, stop_decay_at=5"):
        CosineDecay(1.0, 5, 5)


def test_config_round_trip():
    schedule = CosineDecay(1.0, 3, 7)
    assert CosineDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()
