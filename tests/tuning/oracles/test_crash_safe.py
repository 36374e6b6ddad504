import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_seq2seq.tuning.oracles import Budget, crash_safe

TUNERS = ["hyperband", "bayesian", "random", "grid"]


def finish(oracle, trial, loss=1.0):
    oracle.update_trial(trial.trial_id, {"dev_loss": loss})
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_killed_search_repeats_only_its_running_trial(make_search_oracle, tuner):
    options = {"units": 9, "max_trials": 30}
    oracle = make_search_oracle(tuner, **options)
    ended = [oracle.create_trial("tuner0")]
    finish(oracle, ended[0])
    running = oracle.create_trial("tuner0")
    oracle = make_search_oracle(tuner, **options)
    oracle.reload()
    again = oracle.create_trial("tuner0")
    assert again.trial_id == running.trial_id
    assert again.hyperparameters.values == running.hyperparameters.values
    finish(oracle, again)
    assert oracle.create_trial("tuner0").trial_id not in {ended[0].trial_id, running.trial_id}


def test_the_path_is_no_pattern(make_search_oracle, tmp_path):
    def make():
        oracle = make_search_oracle()
        oracle._set_project_dir(tmp_path / "runs[1]", "trials")
        return oracle

    oracle = make()
    ended = oracle.create_trial("tuner0")
    finish(oracle, ended)
    oracle = make()
    oracle.reload()
    assert list(oracle.trials) == [ended.trial_id]
    assert oracle.create_trial("tuner0").trial_id != ended.trial_id
    assert (tmp_path / "runs[1]" / "trials" / "trial_0001" / "trial.json").exists()


def test_a_kill_at_the_end_of_a_trial_does_not_repeat_it(make_search_oracle, tmp_path):
    oracle = make_search_oracle()
    trial = oracle.create_trial("tuner0")
    before = (tmp_path / "trials" / "oracle.json").read_text()
    finish(oracle, trial)
    # The trial has been written, but not the state.
    (tmp_path / "trials" / "oracle.json").write_text(before)
    oracle = make_search_oracle()
    oracle.reload()
    assert oracle.create_trial("tuner0").trial_id != trial.trial_id


def test_a_kill_at_the_start_of_a_trial_discards_it(make_search_oracle, tmp_path):
    oracle = make_search_oracle()
    finish(oracle, oracle.create_trial("tuner0"))
    before = (tmp_path / "trials" / "oracle.json").read_text()
    lost = oracle.create_trial("tuner0")
    (tmp_path / "trials" / "oracle.json").write_text(before)
    oracle = make_search_oracle()
    oracle.reload()
    assert oracle.create_trial("tuner0").trial_id == lost.trial_id
    assert len(oracle.trials) == 2


def test_copies_of_trials_are_ignored(make_search_oracle, tmp_path):
    oracle = make_search_oracle()
    trial = oracle.create_trial("tuner0")
    shutil.copytree(tmp_path / "trials" / "trial_0000", tmp_path / "trials" / "trial_0000_backup")
    finish(oracle, trial)
    oracle = make_search_oracle()
    oracle.reload()
    assert oracle.trials["0000"].status == TrialStatus.COMPLETED


def test_a_missing_trial_is_an_error(make_search_oracle, tmp_path):
    oracle = make_search_oracle()
    for _ in range(3):
        finish(oracle, oracle.create_trial("tuner0"))
    shutil.rmtree(tmp_path / "trials" / "trial_0001")
    oracle = make_search_oracle()
    with pytest.raises(Exception, match="trial_0001/trial.json"):
        oracle.reload()
    assert not (tmp_path / "trials" / "trial_0001").exists()


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("name", ["trial.json", "oracle.json"])
def test_an_interrupt_while_a_trial_is_created_does_not_damage_the_search(
    make_search_oracle, monkeypatch, tuner, name
):
    options = {"units": 9, "max_trials": 30}
    oracle = make_search_oracle(tuner, **options)
    finish(oracle, oracle.create_trial("tuner0"))
    write = crash_safe._write

    def interrupt(path, state):
        if Path(path).name == name:
            os.kill(os.getpid(), signal.SIGINT)
        write(path, state)

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(crash_safe, "_write", interrupt)
        oracle.create_trial("tuner0")
    oracle.save()
    running = oracle.ongoing_trials["tuner0"]
    oracle = make_search_oracle(tuner, **options)
    oracle.reload()
    assert oracle.create_trial("tuner0").trial_id == running.trial_id


def test_a_full_disk_neither_locks_the_search_nor_damages_it(make_search_oracle, monkeypatch):
    def fail(path, state):
        raise OSError("No space left on device")

    oracle = make_search_oracle()
    with monkeypatch.context() as context:
        context.setattr(crash_safe, "_write", fail)
        for request in (oracle.create_trial, oracle.drop_worker):
            with pytest.raises(OSError, match="No space left"):
                request("worker")
    thread = threading.Thread(target=oracle.create_trial, args=["other"], daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()
    oracle = make_search_oracle()
    oracle.reload()
    assert len(oracle.trials) == 1


def test_files_are_written_atomically(make_search_oracle, tmp_path, monkeypatch):
    oracle = make_search_oracle()
    finish(oracle, oracle.create_trial("tuner0"))
    path = tmp_path / "trials" / "oracle.json"
    before = path.read_text()

    def fail_halfway(state, file):
        file.write(json.dumps(state)[:100])
        raise OSError("No space left on device")

    monkeypatch.setattr(json, "dump", fail_halfway)
    with pytest.raises(OSError):
        oracle.save()
    assert path.read_text() == before


def test_failed_trials_do_not_end_the_search(make_search_oracle):
    oracle = make_search_oracle(max_trials=8)
    for _ in range(8):
        trial = oracle.create_trial("tuner0")
        trial.status, trial.message = TrialStatus.FAILED, "loss is NaN"
        oracle.end_trial(trial)
    assert oracle.create_trial("tuner0").status == TrialStatus.STOPPED
    assert [trial.message for trial in oracle.trials.values()] == ["loss is NaN"] * 8


def test_trials_of_workers_add_no_hyperparameters(make_search_oracle):
    oracle = make_search_oracle()
    trial = oracle.create_trial("worker")
    values = dict(trial.hyperparameters.values)
    finish(oracle, Trial.from_proto(trial.to_proto()))
    assert oracle.trials[trial.trial_id].hyperparameters.values == values
    assert len(oracle.hyperparameters.space) == 4


def test_no_trial_starts_after_the_time_limit(make_search_oracle):
    oracle = make_search_oracle(budget=Budget(budget_seconds=10))
    running = oracle.create_trial("worker")
    oracle._budget.start(11)
    assert oracle.create_trial("other").status == TrialStatus.STOPPED
    assert oracle.tuner_ids == {"worker"}
    assert oracle.create_trial("worker").trial_id == running.trial_id


def test_the_time_taken_is_restored(make_search_oracle):
    oracle = make_search_oracle(budget=Budget(budget_seconds=10))
    oracle._budget.start(7)
    oracle.save()
    oracle = make_search_oracle(budget=Budget(budget_seconds=10))
    oracle.reload()
    assert 2 < oracle._budget.seconds_left <= 3


def test_the_trial_of_a_lost_worker_is_reassigned(make_search_oracle):
    oracle = make_search_oracle()
    lost, other = oracle.create_trial("one"), oracle.create_trial("two")
    oracle.drop_worker("one")
    assert oracle.create_trial("three").trial_id == lost.trial_id
    oracle.drop_worker("two", "killed")
    assert oracle.trials[other.trial_id].status == TrialStatus.FAILED
    assert oracle.trials[other.trial_id].message == "killed"
    oracle.drop_worker("nobody")
    assert oracle.tuner_ids == {"three"}


def test_workers_keep_their_trials_when_the_chief_restarts(make_search_oracle):
    oracle = make_search_oracle()
    one, two = oracle.create_trial("one"), oracle.create_trial("two")
    oracle = make_search_oracle()
    oracle.reload(workers_may_live=True)
    assert oracle.create_trial("two").trial_id == two.trial_id
    assert oracle.create_trial("three").trial_id not in {one.trial_id, two.trial_id}
    finish(oracle, Trial.from_proto(one.to_proto()))
    assert oracle.trials[one.trial_id].status == TrialStatus.COMPLETED
    assert set(oracle.ongoing_trials) == {"two", "three"}


def test_a_budget_includes_earlier_starts():
    budget = Budget(budget_seconds=100)
    assert not budget.is_over
    budget.start(99.98)
    assert 0 < budget.seconds_left <= 0.02
    time.sleep(0.03)
    assert budget.is_over and budget.seconds > 100
    assert budget.seconds_left == 0


def test_a_budget_without_limit_is_never_over():
    budget = Budget()
    budget.start(1e9)
    assert not budget.is_over and budget.seconds_left is None
