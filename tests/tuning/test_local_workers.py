import os
import time

import pytest

from keras_seq2seq.tuning import SearchDirectory
from keras_seq2seq.tuning.local_workers import LostWorkers
from keras_seq2seq.tuning.work import last_heartbeat


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
    # The budget of another machine may be wrong; that the time changes is the sign.
    beat(directory, trials["silent"], 10)
    for seconds in (1, 2, 3):
        beat(directory, trials["alive"], seconds)
        lost.give_up()
        time.sleep(0.06)
    assert set(oracle.ongoing_trials) == {"alive"}
    assert oracle.create_trial("other").trial_id == trials["silent"]


def test_one_that_has_shown_nothing_yet_has_the_same_time(search):
    oracle, directory, trials = search
    assert last_heartbeat(directory.trial_path(trials["silent"])) is None
    lost = LostWorkers(directory, oracle, silence_seconds=0.05)
    lost.give_up()
    assert set(oracle.ongoing_trials) == {"alive", "silent"}
    time.sleep(0.06)
    lost.give_up()
    assert not oracle.ongoing_trials
