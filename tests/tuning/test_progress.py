import pytest

from keras_seq2seq.tuning import TrialRecord
from keras_seq2seq.tuning.oracles import Budget
from keras_seq2seq.tuning.progress import Progress
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED


@pytest.fixture
def make_progress(make_plan, make_search_oracle):
    def make(tuner, workers=1, budget_seconds=None, **options):
        plan = make_plan(tuner=tuner, max_epochs=9, **options)
        budget = Budget(budget_seconds)
        oracle = make_search_oracle(tuner, budget=budget, units=9, **options)
        return Progress(plan, oracle, budget, workers)

    return make


def ended(units, seconds, units_before=0, status=COMPLETED):
    return TrialRecord("0", units=units, units_before=units_before, seconds=seconds, status=status)


def test_time_left_is_estimated_from_completed_trials(make_progress):
    progress = make_progress("random", max_trials=10)
    assert progress.trials == 10
    assert progress.seconds_left([]) is None
    records = [ended(9, 20), ended(9, 40), ended(9, 1, status=FAILED)]
    assert progress.seconds_left(records) == pytest.approx(8 * 30)


def test_workers_share_the_remaining_time(make_progress):
    progress = make_progress("random", workers=2, max_trials=10)
    assert progress.seconds_left([ended(9, 30)]) == pytest.approx(9 * 30 / 2)


def test_time_left_is_limited_by_the_budget(make_progress):
    progress = make_progress("random", budget_seconds=100, max_trials=10)
    assert 99 < progress.seconds_left([ended(9, 30)]) <= 100


def test_rungs_are_weighted_by_their_length(make_progress):
    progress = make_progress("hyperband")
    # As in Li et al.: 9 trials of 1 unit, then 3 of 2 more, then 1 of 6 more, and so on.
    rungs = [(3, 9), (5, 3), (2, 6), (9, 1), (3, 2), (1, 6)]
    assert progress.trials == sum(trials for trials, _ in rungs)
    units = sum(trials * units for trials, units in rungs)
    assert progress.seconds_left([ended(1, 10), ended(3, 20, 1)]) == pytest.approx((units - 3) * 10)


def test_a_grid_has_a_known_size(make_progress):
    # Ten learning rates, two batch sizes, one layer, or two with and without residuals.
    assert make_progress("grid").trials == 10 * 2 * 3
