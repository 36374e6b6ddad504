import math

import keras
import numpy as np
import pytest

from keras_seq2seq.schedules import CosineDecay, DelayedDecay, InverseSquareRoot, Plateau, WarmUp


def test_cosine_decay_by_hand():
    schedule = CosineDecay(1.0, start_decay_at=100, stop_decay_at=300, min_learning_rate=0.2)
    rates = [float(schedule(step)) for step in (0, 100, 150, 200, 300, 400)]
    # The cosine is sqrt(1/2) at a quarter of the way, and 0 in the middle.
    quarter = 0.2 + 0.8 * (1 + 0.5**0.5) / 2
    np.testing.assert_allclose(rates, [1.0, 1.0, quarter, 0.6, 0.2, 0.2], rtol=1e-6)


def test_cosine_decay_must_start_before_it_stops():
    with pytest.raises(ValueError, match="start_decay_at=5, stop_decay_at=5"):
        CosineDecay(1.0, 5, 5)


def test_cosine_decay_config_round_trip():
    schedule = CosineDecay(1.0, 3, 7)
    assert CosineDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("decay_type", "expected"),
    [
        # 250 steps after the start, 2.5 times `decay_steps`.
        ("exponential_decay", 0.1 * 0.5**2.5),
        ("inverse_time_decay", 0.1 / (1 + 0.5 * 2.5)),
        ("natural_exp_decay", 0.1 * math.exp(-0.5 * 2.5)),
    ],
)
def test_delayed_decay_formulas(decay_type, expected):
    schedule = DelayedDecay(0.1, decay_type, decay_rate=0.5, start_decay_at=1000)
    np.testing.assert_allclose(schedule(1250), expected, rtol=1e-5)


def test_delayed_decay_has_a_start_an_end_and_a_minimum():
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


def test_delayed_decay_staircase():
    schedule = DelayedDecay(1.0, "exponential_decay", decay_rate=0.5, staircase=True)
    assert [float(schedule(step)) for step in (99, 100, 199, 200)] == [1.0, 0.5, 0.5, 0.25]


def test_delayed_decay_config_round_trip():
    schedule = DelayedDecay(1.0, "natural_exp_decay", decay_steps=7)
    assert DelayedDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_inverse_square_root_halves_at_four_times_the_steps():
    schedule = InverseSquareRoot(0.4, 100, stop_decay_at=1600, min_learning_rate=0.0)
    rates = [float(schedule(step)) for step in (0, 100, 400, 1600, 6400)]
    np.testing.assert_allclose(rates, [0.4, 0.4, 0.2, 0.1, 0.1], rtol=1e-6)
    schedule.min_learning_rate = 0.15
    assert float(schedule(1600)) == pytest.approx(0.15)


@pytest.mark.parametrize("step", [0, 10, 398, 399, 5000])
def test_inverse_square_root_with_warm_up_is_the_noam_schedule(step):
    size, warmup_steps = 512, 400
    schedule = WarmUp(
        InverseSquareRoot((size * warmup_steps) ** -0.5, start_decay_at=warmup_steps), warmup_steps
    )
    # The paper counts from 1; after the peak, the schedule is one step behind.
    number = step + 1 if step < warmup_steps else step
    noam = size**-0.5 * min(number**-0.5, number * warmup_steps**-1.5)
    assert float(schedule(step)) == pytest.approx(noam, rel=1e-5)


def test_inverse_square_root_must_start_at_step_1_or_later():
    with pytest.raises(ValueError, match="start_decay_at=0"):
        InverseSquareRoot(1.0, 0)


def test_inverse_square_root_config_round_trip():
    schedule = InverseSquareRoot(1.0, 3, 7)
    again = InverseSquareRoot.from_config(schedule.get_config())
    assert again.get_config() == schedule.get_config()


def rates_after(schedule, values, first_step=1):
    """Returns the learning rates after evaluations with the given values."""
    found = []
    for step, value in enumerate(values, start=first_step):
        schedule.observe({"step": step, schedule.metric: value})
        found.append(float(schedule(step)))
    return found


def test_plateau_reduces_the_rate_after_patience_evaluations():
    schedule = Plateau(1.0, factor=0.5, patience=2)
    #                  best       best  equal worse
    found = rates_after(schedule, [3.0, 3.1, 2.9, 2.9, 3.0, 3.0, 2.95, 2.8, 2.9])
    assert found == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_plateau_may_maximize_the_metric():
    schedule = Plateau(1.0, patience=1, metric="dev_bleu", lower_is_better=False)
    assert rates_after(schedule, [10.0, 12.0, 11.0, 12.0, 13.0]) == [1.0, 1.0, 0.5, 0.25, 0.25]


def test_plateau_rounding_is_no_improvement():
    for value in (2.1, 2.3, 0.7, 1.1):  # not exact in single precision
        assert rates_after(Plateau(1.0, patience=1), [value, value])[-1] == 0.5


def test_plateau_ignores_evaluations_before_and_after():
    schedule = Plateau(1.0, patience=1, start_at=3, stop_at=5)
    #                        before    first  cut  after
    assert rates_after(schedule, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]


def test_plateau_minimum_does_not_raise_the_warm_up():
    schedule = Plateau(WarmUp(1.0, 10), patience=1, factor=0.1, min_learning_rate=0.5)
    assert float(schedule(0)) == pytest.approx(0.1)
    assert rates_after(schedule, [1.0, 1.0], first_step=20) == [1.0, 0.5]


def test_plateau_state_is_saved_with_the_optimizer(tmp_path):
    def make():
        schedule = Plateau(1.0, patience=3)
        optimizer = keras.optimizers.SGD(schedule)
        optimizer.plateau_state = schedule.state
        optimizer.build([keras.Variable(0.0)])
        return schedule, optimizer

    schedule, optimizer = make()
    rates_after(schedule, [1.0, 2.0, 2.0])
    resumed, other = make()
    for mine, theirs in zip(other.variables, optimizer.variables, strict=True):
        mine.assign(theirs)
    assert rates_after(resumed, [2.0]) == rates_after(schedule, [2.0]) == [0.5]
    assert float(other.learning_rate) == 0.5


def test_plateau_factor_must_be_below_1():
    with pytest.raises(ValueError, match="factor=1"):
        Plateau(1.0, factor=1)


def test_plateau_config_round_trip():
    schedule = Plateau(WarmUp(1.0, 2), patience=1, metric="dev_ter")
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    np.testing.assert_allclose(rates_after(again, [1.0, 1.0]), rates_after(schedule, [1.0, 1.0]))


def test_plateau_goes_on_in_a_saved_model(tmp_path):
    schedule = Plateau(WarmUp(1.0, 2), patience=2)
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule, momentum=0.5), "mse")
    model.optimizer.build(model.trainable_variables)
    for records in ([], [1.0, 2.0]):
        rates_after(schedule, records, first_step=5)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras").optimizer._learning_rate
        np.testing.assert_array_equal(loaded.state, schedule.state)
    assert rates_after(loaded, [2.0], first_step=9) == [0.5]
    config = schedule.get_config()
    del config["state"]  # as in files of earlier versions
    assert float(Plateau.from_config(config)(9)) == 1.0


def test_warm_up_to_a_constant():
    rates = [float(WarmUp(0.8, 4)(step)) for step in range(6)]
    np.testing.assert_allclose(rates, [0.2, 0.4, 0.6, 0.8, 0.8, 0.8], rtol=1e-6)


def test_warm_up_to_a_schedule():
    decay = DelayedDecay(1.0, "exponential_decay", decay_steps=1, decay_rate=0.5, start_decay_at=2)
    rates = [float(WarmUp(decay, 2)(step)) for step in range(5)]
    np.testing.assert_allclose(rates, [0.5, 1.0, 1.0, 0.5, 0.25], rtol=1e-6)


def test_warm_up_needs_steps():
    with pytest.raises(ValueError, match="warmup_steps=0"):
        WarmUp(1.0, 0)


@pytest.mark.parametrize("schedule", [0.8, DelayedDecay(0.8, "inverse_time_decay", 3)])
def test_warm_up_config_round_trip(schedule):
    schedule = WarmUp(schedule, 4)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert [float(again(step)) for step in (0, 9)] == [float(schedule(step)) for step in (0, 9)]
