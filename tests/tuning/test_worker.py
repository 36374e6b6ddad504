import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from keras_seq2seq.errors import RunError
from keras_seq2seq.tuning import SearchDirectory
from keras_seq2seq.tuning.local_workers import LocalWorkers


def test_exits_with_its_own_error_while_the_chief_runs(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_seq2seq.tuning.worker", tmp_path],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        lines = process.stderr.read().splitlines()
    assert process.returncode == 2
    assert lines[-1] == f"{tmp_path}: contains no search (search.yaml is missing)"


def test_exits_when_its_chief_is_gone():
    module = "from keras_seq2seq.tuning import worker"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{module}; worker._exit_with_chief()"],
        stdin=subprocess.PIPE,
    )
    process.stdin.close()
    assert process.wait() == 1


def test_local_workers_import_no_modules_of_the_working_directory(tmp_path, monkeypatch):
    directory = SearchDirectory(tmp_path / "search")
    directory.trials_path.mkdir(parents=True)
    (tmp_path / "numpy.py").write_text("raise SystemExit('numpy of a person')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    workers = LocalWorkers(1, directory, SimpleNamespace(ongoing_trials={}), 8000)
    try:
        workers._processes["worker-0"].wait(300)
        with pytest.raises(RunError, match=r"search: contains no search \(search.yaml is missing"):
            workers.replace_lost()
    finally:
        workers.kill()


def test_failed_starts_are_counted_for_each_worker_since_its_last_trial(tmp_path, monkeypatch):
    oracle = SimpleNamespace(ongoing_trials={})
    monkeypatch.setattr(LocalWorkers, "_start", lambda *args: SimpleNamespace(poll=lambda: None))
    workers = LocalWorkers(2, SearchDirectory(tmp_path), oracle, 8000)

    def kill(*names):
        for name in names:
            workers._processes[name] = SimpleNamespace(poll=lambda: -signal.SIGKILL)
        workers.replace_lost()

    kill("worker-0", "worker-1")
    kill("worker-0", "worker-1")
    oracle.ongoing_trials["worker-0"] = "trial"
    workers.replace_lost()
    oracle.ongoing_trials.clear()
    kill("worker-0")
    with pytest.raises(RunError, match="worker-1 was killed at every start"):
        kill("worker-1")
