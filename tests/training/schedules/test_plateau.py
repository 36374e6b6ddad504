import keras
import numpy as np
import pytest

from keras_seq2seq.training.schedules import Plateau, WarmUp


def rates(schedule, values, first_step=1):
    """The learning rates after evaluations with these values."""
    found = []
    for step, value in enumerate(values, start=first_step):
        schedule.observe({"step": step, schedule.metric: value})
        found.append(float(schedule(step)))
    return found


def test_is_cut_after_patience_evaluations_without_a_new_best():
    schedule = Plateau(1.0, factor=0.5, patience=2)
    #                  best       best  equal worse
    found = rates(schedule, [3.0, 3.1, 2.9, 2.9, 3.0, 3.0, 2.95, 2.8, 2.9])
    assert found == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_higher_may_be_better():
    schedule = Plateau(1.0, patience=1, metric="dev_bleu", lower_is_better=False)
    assert rates(schedule, [10.0, 12.0, 11.0, 12.0, 13.0]) == [1.0, 1.0, 0.5, 0.25, 0.25]


def test_a_value_that_floats_round_up_is_not_better_than_itself():
    value = 2.1  # 2.0999999 or 2.1000001 in single precision
    for value in (2.1, 2.3, 0.7, 1.1):
        assert rates(Plateau(1.0, patience=1), [value, value])[-1] == 0.5


def test_only_evaluations_between_two_steps_count():
    schedule = Plateau(1.0, patience=1, start_at=3, stop_at=5)
    #                        before    first  cut  after
    assert rates(schedule, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]


def test_has_a_floor_that_does_not_lift_the_warm_up():
    schedule = Plateau(WarmUp(1.0, 10), patience=1, factor=0.1, min_learning_rate=0.5)
    assert float(schedule(0)) == pytest.approx(0.1)
    assert rates(schedule, [1.0, 1.0], first_step=20) == [1.0, 0.5]


def test_its_state_is_saved_with_the_optimizer(tmp_path):
    def make():
        schedule = Plateau(1.0, patience=3)
        optimizer = keras.optimizers.SGD(schedule)
        optimizer.plateau_state = schedule.state
        optimizer.build([keras.Variable(0.0)])
        return schedule, optimizer

    schedule, optimizer = make()
    rates(schedule, [1.0, 2.0, 2.0])
    resumed, other = make()
    for mine, theirs in zip(other.variables, optimizer.variables, strict=True):
        mine.assign(theirs)
    assert rates(resumed, [2.0]) == rates(schedule, [2.0]) == [0.5]
    assert float(other.learning_rate) == 0.5


def test_refuses_a_factor_that_does_not_cut():
    with pytest.raises(ValueError, match="factor=1"):
        Plateau(1.0, factor=1)


def test_config_round_trip():
    schedule = Plateau(WarmUp(1.0, 2), patience=1, metric="dev_ter")
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    np.testing.assert_allclose(rates(again, [1.0, 1.0]), rates(schedule, [1.0, 1.0]))
