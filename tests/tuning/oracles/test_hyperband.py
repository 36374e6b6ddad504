import math

import pytest
from keras_tuner.engine.trial import TrialStatus

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.oracles import Budget

SPACE = {"optimizer.learning_rate": {"log": [1e-4, 1e-1]}}
SMALL = {"batch_size": {"choice": [1, 2, 3, 4]}}


def run(oracle, loss=lambda values: values["optimizer.learning_rate"], fails=lambda trial: False):
    """Runs trials until the search ends, and returns them."""
    trials = []
    while True:
        trial = oracle.create_trial("tuner0")
        if trial.status == TrialStatus.STOPPED:
            return trials
        assert trial.status == TrialStatus.RUNNING, "idle without running trials"
        if fails(trial):
            trial.status = TrialStatus.FAILED
        else:
            oracle.update_trial(trial.trial_id, {"dev_loss": loss(trial.hyperparameters.values)})
            trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        trials.append(trial)


def units(trial):
    return trial.hyperparameters.values["tuner/epochs"]


@pytest.mark.parametrize("max_trials", [10, 17, 30, 90, 200])
def test_stays_within_the_maximum_number_of_trials(make_search_oracle, max_trials):
    oracle = make_search_oracle("hyperband", SPACE, units=30, max_trials=max_trials)
    trials = run(oracle)
    assert len(trials) == oracle.trials_in_iteration * oracle.hyperband_iterations <= max_trials
    assert max(map(units, trials)) == 30
    assert len(trials) > 0.7 * min(max_trials, 90)


def test_limits_may_change_when_a_search_is_resumed(make_search_oracle):
    endless = make_search_oracle("hyperband", SPACE, units=9, budget=Budget(10_000))
    first = endless.create_trial("tuner0")
    endless.update_trial(first.trial_id, {"dev_loss": 1.0})
    first.status = TrialStatus.COMPLETED
    endless.end_trial(first)
    oracle = make_search_oracle("hyperband", SPACE, units=9)
    oracle.reload()
    assert 1 + len(run(oracle)) == oracle.trials_in_iteration


def test_needs_a_trial_for_each_rung(make_search_oracle):
    with pytest.raises(UserError, match="--max_trials: hyperband needs at least 10 trials"):
        make_search_oracle("hyperband", SPACE, units=30, max_trials=9)


def test_the_best_of_a_rung_are_promoted(make_search_oracle):
    trials = run(make_search_oracle("hyperband", SPACE, units=9))
    by_id = {trial.trial_id: trial for trial in trials}
    first = [trial for trial in trials if units(trial) == 1]
    second = [
        trial
        for trial in trials
        if trial.hyperparameters.values.get("tuner/trial_id") in {t.trial_id for t in first}
    ]
    # From 9 to 3 in the bracket that starts with 1 unit, as in Li et al.; also 9 in KerasTuner.
    assert len(second) == math.ceil(len(first) / 3)
    rates = sorted(trial.hyperparameters.values["optimizer.learning_rate"] for trial in first)
    promoted = sorted(trial.hyperparameters.values["optimizer.learning_rate"] for trial in second)
    assert promoted == rates[: len(second)]
    for trial in second:
        below = by_id[trial.hyperparameters.values["tuner/trial_id"]]
        assert trial.hyperparameters.values["tuner/initial_epoch"] == units(below) == 1
        assert units(trial) == 3


def test_failed_trials_do_not_prevent_promotions(make_search_oracle):
    oracle = make_search_oracle("hyperband", SPACE, units=9)
    trials = run(oracle, fails=lambda trial: int(trial.trial_id) in (0, 3, 4))
    assert max(map(units, trials)) == 9
    promoted = {t.hyperparameters.values.get("tuner/trial_id") for t in trials} - {None}
    # As many as without failures, as the failed trials are the first to be left out.
    assert len(promoted & {trial.trial_id for trial in trials[:9]}) == 3
    assert not promoted & {"0000", "0003", "0004"}


def test_an_exhausted_space_is_searched_to_the_end(make_search_oracle):
    oracle = make_search_oracle("hyperband", SMALL, units=9)
    trials = run(oracle, loss=lambda values: values["batch_size"])
    assert [units(trial) for trial in trials[:4]] == [1, 1, 1, 1]
    # The promoted trials are the best of all four.
    later = [trial.hyperparameters.values["batch_size"] for trial in trials[4:]]
    assert later and set(later) <= {1, 2, 3}
    assert max(map(units, trials)) == 9


def test_a_resumed_search_runs_the_same_trials(make_search_oracle, tmp_path):
    whole = run(make_search_oracle("hyperband", SPACE, units=9))
    (tmp_path / "trials").rename(tmp_path / "before")
    oracle = make_search_oracle("hyperband", SPACE, units=9)
    again = []
    for _ in whole:
        trial = oracle.create_trial("tuner0")
        loss = trial.hyperparameters.values["optimizer.learning_rate"]
        oracle.update_trial(trial.trial_id, {"dev_loss": loss})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        again.append(trial)
        oracle = make_search_oracle("hyperband", SPACE, units=9)
        oracle.reload()
    assert oracle.create_trial("tuner0").status == TrialStatus.STOPPED
    values = [trial.hyperparameters.values for trial in again]
    assert values == [trial.hyperparameters.values for trial in whole]


def test_promotable_trials_are_those_that_may_be_promoted(make_search_oracle):
    oracle = make_search_oracle("hyperband", SPACE, units=9)
    while True:
        promotable = oracle.promotable_trials()
        trial = oracle.create_trial("tuner0")
        if trial.status == TrialStatus.STOPPED:
            break
        assert len(promotable) <= 3 + 1 + 2
        below = trial.hyperparameters.values.get("tuner/trial_id")
        assert below is None or below in promotable
        rate = trial.hyperparameters.values["optimizer.learning_rate"]
        oracle.update_trial(trial.trial_id, {"dev_loss": rate})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert promotable == set()
