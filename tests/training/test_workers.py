import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_seq2seq import Vocabulary, WhitespaceTokenizer, prepare_records
from keras_seq2seq.errors import UserError
from keras_seq2seq.training.workers import Workers

# Trains with the options that are given as JSON, and writes the weights that this process has.
WORKER = """
import json, sys
import numpy as np
from keras_seq2seq.config import resolve_config
from keras_seq2seq.training import Workers, plan_training, train
import tensorflow as tf
flags, hparams, output_dir, weights, devices = json.loads(sys.argv[1])
if devices:
    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration() for _ in devices]
    tf.config.set_logical_device_configuration(cpu, parts)
config = resolve_config(flags=flags, hparams=hparams)
plan = plan_training(config, output_dir, workers=Workers(devices))
train(plan)
np.savez(weights, *plan.model.get_weights())
"""

# Gradients are clipped at most steps. The learning rate does not depend on the length of the run.
HPARAMS = (
    "rnn_cell.type=GRUCell, rnn_cell.num_units=16, embedding.dim=16, attention.dim=16,"
    "optimizer.learning_rate=0.01, optimizer.clip_gradients=0.5, optimizer.label_smoothing=0.1,"
    "optimizer.lr_decay_type=none, rnn_cell.dropout_output_keep_prob=1"
)

NO_DROPOUT = "rnn_cell.dropout_input_keep_prob=1"
DROPOUT = "rnn_cell.dropout_input_keep_prob=0.9"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def start(corpus, tmp_path):
    """Starts the processes of one run."""
    flags = {
        **{
            f"train_{side}": str(corpus / "train" / f"{side}s.txt") for side in ("source", "target")
        },
        **{f"dev_{side}": str(corpus / "dev" / f"{side}s.txt") for side in ("source", "target")},
        **{f"vocab_{side}": str(corpus / f"vocab.{side}s.txt") for side in ("source", "target")},
        "train_steps": 12,
        "eval_every_n_steps": 4,
        "buckets": "4",
    }
    started = []

    def start_workers(name, count=1, hparams=NO_DROPOUT, devices=None, **more_flags):
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        arguments = {**flags, **more_flags}, f"{HPARAMS},{hparams}", str(tmp_path / name)
        processes = []
        for index in range(count):
            tf_config = {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": index},
            }
            environment = {
                **os.environ,
                **({"TF_CONFIG": json.dumps(tf_config)} if count > 1 else {}),
                "CUDA_VISIBLE_DEVICES": "",
                "TF_CPP_MIN_LOG_LEVEL": "3",
            }
            weights = str(tmp_path / f"{name}-{index}.npz")
            command = [sys.executable, "-c", WORKER, json.dumps([*arguments, weights, devices])]
            processes.append(
                subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
            )
        started.extend(processes)
        return processes

    yield start_workers
    for process in started:
        process.kill()
        process.communicate()


def finish(processes):
    for process in processes:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors


def weights_of(tmp_path, name):
    with np.load(tmp_path / f"{name}.npz") as file:
        return list(file.values())


def records_of(tmp_path, name):
    lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def assert_same_curves(records, others):
    for record, other in zip(records, others, strict=True):
        for name in set(record) - {"seconds"}:
            assert other[name] == pytest.approx(record[name], rel=1e-4), name


@pytest.mark.slow
def test_two_workers_train_as_one(start, tmp_path):
    finish(start("one", 1, batch_size=64))
    finish(start("two", 2, batch_size=32))
    alone, together = records_of(tmp_path, "one"), records_of(tmp_path, "two")
    assert [record["step"] for record in together] == [4, 8, 12]
    assert_same_curves(alone, together)
    of_chief, of_other = weights_of(tmp_path, "two-0"), weights_of(tmp_path, "two-1")
    for one, chief, other in zip(weights_of(tmp_path, "one-0"), of_chief, of_other, strict=True):
        np.testing.assert_array_equal(chief, other)
        np.testing.assert_allclose(chief, one, atol=1e-4)


@pytest.mark.slow
def test_two_workers_train_as_one_on_prepared_records(start, corpus, tmp_path):
    paths = [corpus / "train" / f"{side}s.txt" for side in ("source", "target")]
    tokenizers = [
        WhitespaceTokenizer(Vocabulary.load(corpus / f"vocab.{side}s.txt"))
        for side in ("source", "target")
    ]
    prepare_records(*paths, *tokenizers, tmp_path / "prepared")
    data = {"train_source": None, "train_target": None, "train_data": str(tmp_path / "prepared")}
    finish(start("one", 1, batch_size=64, **data))
    finish(start("two", 2, batch_size=32, **data))
    assert_same_curves(records_of(tmp_path, "one"), records_of(tmp_path, "two"))


@pytest.mark.slow
def test_several_devices_train_as_one(start, tmp_path):
    finish(start("one", batch_size=64))
    finish(start("devices", devices=["CPU:0", "CPU:1"], batch_size=32))
    alone, together = records_of(tmp_path, "one"), records_of(tmp_path, "devices")
    assert_same_curves(alone, together)
    of_devices = weights_of(tmp_path, "devices-0")
    for one, other in zip(weights_of(tmp_path, "one-0"), of_devices, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)
    finish(start("dropout", devices=["CPU:0", "CPU:1"], hparams=DROPOUT))
    finish(start("dropout", devices=["CPU:0", "CPU:1"], hparams=DROPOUT, train_steps=16))
    finish(start("longer", devices=["CPU:0", "CPU:1"], hparams=DROPOUT, train_steps=16))
    assert_same_curves(records_of(tmp_path, "dropout"), records_of(tmp_path, "longer"))


@pytest.mark.slow
def test_a_lost_worker_ends_the_run_and_the_command_goes_on(start, tmp_path):
    flags = {
        "train_steps": 3000,
        "save_checkpoints_steps": 5,
        "hparams": DROPOUT,
    }
    chief, other = start("lost", 2, **flags)
    while not list((tmp_path / "lost").glob("checkpoints/ckpt-*.index")):
        assert chief.poll() is None and other.poll() is None
        time.sleep(0.1)
    other.send_signal(signal.SIGKILL)
    _, errors = chief.communicate(timeout=300)
    assert chief.returncode == 1
    assert "RunError: lost the connection to another worker" in errors
    done = max(int(file.stem[5:]) for file in (tmp_path / "lost").glob("checkpoints/*.index"))
    finish(start("lost", 2, **(flags | {"train_steps": done + 4})))
    assert records_of(tmp_path, "lost")[-1]["step"] == done + 4
    for one, two in zip(
        weights_of(tmp_path, "lost-0"), weights_of(tmp_path, "lost-1"), strict=True
    ):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "tf_config",
    ["{", '{"cluster": {"worker": ["a:1", "b:1"]}}', '{"cluster": 3}', '[1]',
     '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
     '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
     '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": -1}}',
     '{"cluster": {"worker": ["a:1", "b"]}, "task": {"type": "worker", "index": 0}}',
     '{"cluster": {"worker": ["a:1", 2]}, "task": {"type": "worker", "index": 0}}',
     '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
     '{"cluster": {"chief": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 1}}'],
)  # fmt: skip
def test_a_wrong_tf_config_is_a_users_error(monkeypatch, tf_config):
    monkeypatch.setenv("TF_CONFIG", tf_config)
    with pytest.raises(UserError, match="TF_CONFIG: .*expected"):
        Workers()


@pytest.mark.parametrize("tf_config", ["", "{}", '{"cluster": {"worker": ["a:1"]}}'])
def test_one_worker_is_no_cluster(monkeypatch, tf_config):
    monkeypatch.setenv("TF_CONFIG", tf_config)
    workers = Workers()
    assert (workers.processes, workers.is_chief, workers.shards) == (1, True, range(1))
    assert workers.any(True) and not workers.any(False)
    assert workers.of_chief(0.1) == 0.1
