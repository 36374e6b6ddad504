import os
import time

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import SearchDirectory
from keras_seq2seq.tuning.distributed import LostWorkers, Role
from keras_seq2seq.tuning.run_trials import last_heartbeat


@pytest.fixture
def set_environment(monkeypatch):
    def set_variables(worker="", ip="", port=""):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", worker)
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", ip)
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", port)

    return set_variables


def test_without_variables_there_is_only_one_process(set_environment):
    set_environment()
    role = Role.from_environment()
    assert (role.address, role.is_chief, role.is_worker) == (None, False, False)


def test_the_name_distinguishes_chief_and_worker(set_environment):
    set_environment("chief", "10.0.0.1", "8000")
    assert Role.from_environment().address == "10.0.0.1:8000"
    assert Role.from_environment().is_chief and not Role.from_environment().is_worker
    set_environment("tuner3", "10.0.0.1", "8000")
    assert Role.from_environment().is_worker and not Role.from_environment().is_chief


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (("chief", "10.0.0.1", ""), "KERASTUNER_ORACLE_PORT not set"),
        (("", "10.0.0.1", "8000"), "KERASTUNER_TUNER_ID not set"),
        (("chief", "10.0.0.1", "http"), 'expected a port such as 8000, got "http"'),
        (("chief", "10.0.0.1", "70000"), 'got "70000"'),
    ],
)
def test_incomplete_variables_are_errors(set_environment, variables, message):
    set_environment(*variables)
    with pytest.raises(UserError, match=message):
        Role.from_environment()


@pytest.fixture
def search(make_search_oracle, tmp_path):
    oracle = make_search_oracle()
    directory = SearchDirectory(tmp_path)
    trials = {worker: oracle.create_trial(worker).trial_id for worker in ("alive", "silent")}
    return oracle, directory, trials


def beat(directory, trial, seconds):
    path = directory.trial_path(trial) / "alive"
    path.touch()
    os.utime(path, (seconds, seconds))


def test_a_silent_worker_loses_its_trial(search):
    oracle, directory, trials = search
    lost = LostWorkers(directory, oracle, silence_seconds=0.05)
    # The clock of another machine may be wrong: only a change of its time counts.
    beat(directory, trials["silent"], 10)
    for seconds in (1, 2, 3):
        beat(directory, trials["alive"], seconds)
        lost.reassign()
        time.sleep(0.06)
    assert set(oracle.ongoing_trials) == {"alive"}
    assert oracle.create_trial("other").trial_id == trials["silent"]


def test_a_worker_without_any_heartbeat_is_lost_after_the_same_time(search):
    oracle, directory, trials = search
    assert last_heartbeat(directory.trial_path(trials["silent"])) is None
    lost = LostWorkers(directory, oracle, silence_seconds=0.05)
    lost.reassign()
    assert set(oracle.ongoing_trials) == {"alive", "silent"}
    time.sleep(0.06)
    lost.reassign()
    assert not oracle.ongoing_trials


def test_a_lost_worker_without_a_trial_is_forgotten(search):
    oracle, directory, _ = search
    oracle.tuner_ids.add("idle")
    oracle.last_requests |= {"idle": time.monotonic(), "alive": 0.0, "silent": 0.0}
    lost = LostWorkers(directory, oracle, silence_seconds=0.05)
    lost.reassign()
    assert oracle.tuner_ids == {"idle", "alive", "silent"}
    oracle.last_requests["idle"] -= 1
    lost.reassign()
    assert oracle.tuner_ids == {"alive", "silent"}


def test_a_worker_that_has_just_ended_a_trial_is_not_lost(search):
    oracle, directory, trials = search
    oracle.last_requests["alive"] = 0.0
    trial = oracle.trials[trials["alive"]]
    trial.status = "FAILED"
    oracle.end_trial(trial)
    LostWorkers(directory, oracle, silence_seconds=60).reassign()
    assert "alive" in oracle.tuner_ids
