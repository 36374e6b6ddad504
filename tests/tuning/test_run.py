import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from keras_seq2seq import Translator
from keras_seq2seq.config import Config
from keras_seq2seq.config.config_file import write_yaml
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files.directories import DirectoryLock
from keras_seq2seq.tuning import SearchDirectory, run_search
from keras_seq2seq.tuning.open_oracle import open_oracle
from keras_seq2seq.tuning.oracles import Budget

# With SGD and without gradient clipping, the loss becomes NaN at the second rate.
RATES = {"optimizer.learning_rate": {"choice": [0.01, 1e9, 0.05]}}
UNCLIPPED = "optimizer.name=SGD, optimizer.clip_gradients=0"


def starts(directory, trial):
    """Returns the steps at which the training of a trial was started and resumed."""
    content = json.loads((directory.trial_path(trial) / "run.json").read_text())
    return [start["step"] for start in content["starts"]]


def steps(directory, trial):
    lines = (directory.trial_path(trial) / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


def with_weights(directory):
    return sorted(path.parent.name for path in directory.trials_path.glob("*/model.keras"))


def test_a_search_skips_failed_trials_and_keeps_the_best_weights(make_plan, console):
    plan = make_plan(RATES, UNCLIPPED, tuner="grid", max_epochs=1, keep_trials=1)
    result = run_search(plan, console=console)
    records = result.records
    assert [record.status for record in records] == ["completed", "failed", "completed"]
    assert "step" in records[1].message
    losses = [records[0].objective, records[2].objective]
    assert result.best.objective == min(losses)
    assert with_weights(result.directory) == [f"trial_{result.best.trial}"]
    assert not list(result.directory.trial_path(records[1].trial).glob("checkpoints"))
    # The best trial works with `translate` and `train --config`.
    assert isinstance(Translator.load(result.directory.best_path).translate(["s1"]), list)
    config = Config.load(result.directory.best_path / "config.yaml")
    assert config.hparams.optimizer.learning_rate == result.best.values["optimizer.learning_rate"]
    assert config.train_epochs == 1
    assert config.keep_checkpoint_max == Config().keep_checkpoint_max
    assert config.keep_checkpoint_every_n_hours == Config().keep_checkpoint_every_n_hours
    checkpoints = result.directory.trial_path(result.best.trial) / "checkpoints"
    assert len(list(checkpoints.glob("*.index"))) == 1
    lines = console.file.getvalue()
    assert "trial 0001: failed: step" in lines
    assert "3 of 3 trials | 1 failed | best dev_loss" in lines

    again = run_search(plan, console=console)
    assert "resuming after 3 trials" in console.file.getvalue()
    assert again.records == records
    assert starts(result.directory, "0000") == [0]

    # One line per trial in TensorBoard's HParams tab.
    for record in records:
        events = EventAccumulator(os.fspath(result.directory.hparams_path(record.trial)))
        events.Reload()
        data = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        info = plugin_data_pb2.HParamsPluginData.FromString(data).session_start_info
        rate = info.hparams["optimizer.learning_rate"].number_value
        assert rate == record.values["optimizer.learning_rate"]


def test_without_any_result_a_search_fails(make_plan, console, monkeypatch):
    def diverge(*args):
        raise RunError("step 3: the loss is nan")

    monkeypatch.setattr("keras_seq2seq.tuning.run_trials.train", diverge)
    space = {"optimizer.learning_rate": {"choice": [1e9]}}
    plan = make_plan(space, UNCLIPPED, tuner="grid", max_epochs=1)
    with pytest.raises(RunError, match="no trial produced a result: 1 trial failed.*step 3"):
        run_search(plan, console=console)


def test_a_search_whose_data_were_missing_for_a_while_can_be_resumed(
    make_plan, console, data_flags, tmp_path
):
    source = tmp_path / "sources.txt"
    source.write_bytes(Path(data_flags["train_source"]).read_bytes())
    flags = {"train_source": str(source)}
    space = {"optimizer.learning_rate": {"choice": [0.01, 0.05]}}
    plan = make_plan(space, UNCLIPPED, flags, tuner="grid", max_epochs=1)
    source.rename(tmp_path / "away")
    with pytest.raises(UserError, match="sources.txt: no such file"):
        run_search(plan, console=console)
    (tmp_path / "away").rename(source)
    result = run_search(plan, console=console)
    assert [record.status for record in result.records] == ["completed", "completed"]


def test_a_search_whose_time_is_over_can_be_repeated(make_plan, console):
    limits = {"tuner": "random", "max_trials": 9, "max_epochs": 1, "budget_minutes": 1000}
    plan = make_plan(RATES, UNCLIPPED, **limits | {"max_trials": 1})
    result = run_search(plan, console=console)
    over = make_plan(RATES, UNCLIPPED, **limits | {"budget_minutes": 0.0001})
    again = run_search(over, console=console)
    assert again.records == result.records
    assert "Stopped" not in console.file.getvalue()


@pytest.mark.slow
def test_a_trial_of_a_higher_rung_continues_one_of_the_lower(make_plan, console):
    plan = make_plan(
        {"optimizer.learning_rate": {"log": [1e-3, 1e-1]}},
        flags={"batch_size": 16},
        tuner="hyperband",
        max_epochs=3,
        max_trials=4,
    )
    result = run_search(plan, console=console)
    upper = next(record for record in result.records if record.continues is not None)
    assert (upper.units_before, upper.units) == (1, 3)
    # 48 pairs are three batches of 16.
    assert starts(result.directory, upper.continues) == [0]
    assert starts(result.directory, upper.trial) == [0, 3]
    assert steps(result.directory, upper.trial) == [3, 9]
    below = (result.directory.trial_path(upper.continues) / "metrics.jsonl").read_text()
    assert (
        (result.directory.trial_path(upper.trial) / "metrics.jsonl").read_text().startswith(below)
    )
    assert len(with_weights(result.directory)) <= plan.keep_trials


@pytest.fixture
def write_command(data_flags, tmp_path):
    """Returns a command line of `tune`, after writing its space."""

    def write(space, *options, train_steps=40):
        (tmp_path / "space.yaml").write_text(write_yaml(space))
        flags = {
            **data_flags,
            "space": tmp_path / "space.yaml",
            "output_dir": tmp_path / "search",
            "batch_size": 8,
            "train_steps": train_steps,
            "eval_every_n_steps": 20,
            "save_checkpoints_steps": 5,
            "hparams": "rnn_cell.num_units=8, embedding.dim=8, attention.dim=8",
        }
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        return [sys.executable, "-m", "keras_seq2seq", "tune", *arguments, *options]

    return write


@pytest.fixture
def start(tmp_path):
    """Starts processes, which are killed at the end of the test."""
    processes = []

    def start_process(command, name="process", **variables):
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **variables}
        with (tmp_path / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        processes.append(process)
        return process

    yield start_process
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(process, log):
    assert process.wait(timeout=900) == 0, log.read_text()


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None
        time.sleep(0.1)


@pytest.mark.slow
def test_a_killed_search_resumes(write_command, start, tmp_path):
    command = write_command(
        {"optimizer.learning_rate": {"choice": [0.01, 0.02]}}, "--tuner=grid", train_steps=200
    )
    directory = SearchDirectory(tmp_path / "search")
    process = start(command)
    second = directory.trial_path("0001") / "checkpoints"
    wait_for(lambda: len(list(second.glob("ckpt-*.index"))) > 0, process)
    process.kill()
    process.wait()
    # The finished trial must not change.
    first = (directory.trial_path("0000") / "metrics.jsonl").read_text()
    finish(start(command), tmp_path / "process.log")
    assert (directory.trial_path("0000") / "metrics.jsonl").read_text() == first
    assert starts(directory, "0000") == [0]
    before, after = starts(directory, "0001")
    assert before == 0 < after
    assert [record.status for record in directory.records()] == ["completed", "completed"]
    assert steps(directory, "0001") == list(range(20, 201, 20))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_a_chief_and_two_workers_share_a_search(write_command, start, tmp_path):
    space = {
        "batch_size": {"choice": [4, 8]},
        "optimizer.learning_rate": {"choice": [0.01, 0.03]},
        "rnn_cell.residual_connections": {"choice": [True, False], "when": {"batch_size": 4}},
    }
    command = write_command(space, "--tuner=grid", "--objective=dev_exact_match")
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(free_port())}
    processes = {
        name: start(command, name, KERASTUNER_TUNER_ID=name, **address)
        for name in ("chief", "tuner0", "tuner1")
    }
    for name, process in processes.items():
        finish(process, tmp_path / f"{name}.log")
    directory = SearchDirectory(tmp_path / "search")
    records = directory.records()
    assert [record.status for record in records] == ["completed"] * 6
    assert {record.worker for record in records} == {"tuner0", "tuner1"}
    # Each combination once.
    assert len({json.dumps(record.values) for record in records}) == 6
    best = max(record.objective for record in records)
    assert json.loads((directory.best_path / "trial_record.json").read_text())["objective"] == best
    assert "Best dev_exact_match" in (tmp_path / "chief.log").read_text()


@pytest.mark.slow
def test_a_killed_local_worker_is_replaced(write_command, start, tmp_path):
    space = {"optimizer.learning_rate": {"choice": [0.01, 0.02, 0.03]}}
    process = start(write_command(space, "--tuner=grid", "--workers=2", train_steps=200))
    directory = SearchDirectory(tmp_path / "search")
    wait_for(lambda: list(directory.trials_path.glob("*/checkpoints/*.index")), process)
    trial = next(directory.trials_path.glob("*/checkpoints")).parent.name.removeprefix("trial_")
    worker = next(record.worker for record in directory.records() if record.trial == trial)
    os.kill(find_process(process.pid, worker), signal.SIGKILL)
    finish(process, tmp_path / "process.log")
    statuses = {record.trial: record.status for record in directory.records()}
    assert statuses.pop(trial) == "failed"
    assert list(statuses.values()) == ["completed", "completed"]
    assert "SIGKILL" in (tmp_path / "process.log").read_text()


def find_process(parent, worker):
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        if f"KERASTUNER_TUNER_ID={worker}\0" in Path(f"/proc/{child}/environ").read_text():
            return int(child)
    raise LookupError(worker)


def test_a_damaged_search_is_one_line(make_plan, console):
    plan = make_plan(tuner="random", max_trials=1, max_epochs=1)
    plan.save()
    for content in (b"", b"[1]", b"{}", b"\xff"):
        plan.directory.oracle_path.write_bytes(content)
        with pytest.raises(UserError, match="cannot resume the search, since oracle.json or"):
            run_search(plan, console=console)
    assert not (plan.directory.path / "run.lock").exists()


@pytest.mark.parametrize("lost", ["oracle.json", "trial_0000"])
def test_a_search_with_missing_files_is_one_line(make_plan, lost):
    plan = make_plan(tuner="random", max_trials=1000, max_epochs=1)
    plan.save()
    oracle = open_oracle(plan, Budget())
    for _ in range(2):
        oracle.end_trial(fail(oracle.create_trial("tuner0")))
    trials = plan.directory.trials_path
    if lost == "oracle.json":
        (trials / lost).unlink()
        message = "oracle.json: no such file, although there are trials; restore it"
    else:
        shutil.rmtree(trials / lost)
        message = "cannot resume the search, since oracle.json or the trial.json of a trial"
    before = sorted(trials.rglob("*"))
    with pytest.raises(UserError, match=message):
        open_oracle(plan, Budget())
    assert sorted(trials.rglob("*")) == before


def fail(trial):
    trial.status, trial.message = "FAILED", "loss is NaN"
    return trial


def test_a_second_search_is_rejected_while_the_first_one_lives(make_plan, console):
    plan = make_plan(tuner="random", max_trials=1, max_epochs=1)
    with (
        DirectoryLock(plan.directory.path),
        pytest.raises(UserError, match=f"search: in use by process {os.getpid()} on "),
    ):
        run_search(plan, console=console)
