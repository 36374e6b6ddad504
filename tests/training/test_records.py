import json
import os
import sys

import keras
import pytest
import tensorflow as tf

from keras_seq2seq.errors import UserError
from keras_seq2seq.text import Vocabulary, WhitespaceTokenizer
from keras_seq2seq.training import forget_events_after
from keras_seq2seq.training.records import MetricsLog, RunRecord


def test_records_survive(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append({"step": 10, "dev_loss": 2.0})
    log.append({"step": 20, "dev_loss": 1.0})
    assert (tmp_path / "metrics.jsonl").read_text().count("\n") == 2
    assert MetricsLog(tmp_path / "metrics.jsonl").records == log.records


def test_is_set_back_to_the_records_of_a_checkpoint(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in (10, 20, 30):
        log.append({"step": step, "dev_loss": 1 / 3})
    log.reset(log.records[:2])
    assert [record["step"] for record in MetricsLog(log.path).records] == [10, 20]


def test_a_crash_of_the_machine_may_leave_half_a_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 10}\n{"step": 2')
    assert MetricsLog(path).records == [{"step": 10}]


def test_tells_how_the_run_was_started(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["keras-seq2seq", "train", "--train_source=a b"])
    path = tmp_path / "run.json"
    assert RunRecord(path).add_start(0, 7, {"train_source": "abc"}) == {}
    assert RunRecord(path).add_start(20, 7, {"train_source": "abc"}) == {}
    content = json.loads(path.read_text())
    assert (content["seed"], content["data"]) == (7, {"train_source": "abc"})
    first, second = content["starts"]
    assert (first["step"], second["step"]) == (0, 20)
    assert first["command"] == "keras-seq2seq train '--train_source=a b'"
    assert first["versions"]["keras"] == keras.__version__


def test_a_run_that_begins_anew_forgets_the_others(tmp_path):
    RunRecord(tmp_path / "run.json").add_start(0, 7, {})
    RunRecord(tmp_path / "run.json").add_start(0, 8, {})
    assert len(json.loads((tmp_path / "run.json").read_text())["starts"]) == 1


def test_tells_of_other_versions(tmp_path):
    path = tmp_path / "run.json"
    RunRecord(path).add_start(0, 7, {})
    path.write_text(path.read_text().replace(keras.__version__, "3.1.4"))
    changes = RunRecord(path).add_start(20, 7, {})
    assert changes["keras"] == f"{keras.__version__} instead of 3.1.4"


def test_refuses_other_data(tmp_path):
    RunRecord(tmp_path / "run.json").add_start(0, 7, {"train_source": "a", "dev_source": "b"})
    record = RunRecord(tmp_path / "run.json")
    record.check_data({"train_source": "a", "dev_source": "b"})
    with pytest.raises(UserError, match="dev_source: not the text .*SHA-256 c instead of b.*never"):
        record.check_data({"train_source": "a", "dev_source": "c"})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"data": [], "starts": []}',
        b'{"data": {}, "starts": [1]}',
        b'{"data": {"train_source": 1}, "starts": []}',
        b'{"data": {}, "starts": [{"versions": {}, "steps": "x"}]}',
    ],
)
def test_a_damaged_file_is_written_again(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    record = RunRecord(path)
    assert record.is_damaged
    assert record.steps is None
    record.check_data({"train_source": "a"})
    assert record.add_start(20, 7, {"train_source": "a"}, steps=30) == {}
    record = RunRecord(path)
    assert not record.is_damaged
    assert record.steps == 30
    with pytest.raises(UserError):
        record.check_data({"train_source": "b"})


@pytest.mark.parametrize(
    "line", [b"\xff\xfe{}", b"[1]", b"{}", b'{"step": "x"}', b'{"step": 2, "dev_loss": []}']
)
def test_records_end_at_a_damaged_line(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1, "dev_loss": 0.5}\n' + line + b'\n{"step": 3}\n')
    assert MetricsLog(path).records == [{"step": 1, "dev_loss": 0.5}]


def test_events_end_at_a_damaged_one(tmp_path):
    write(tmp_path, [(10, 8.0), (20, 7.0)])
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[-20:] = b"\xff" * 20
    file.write_bytes(content)
    forget_events_after(tmp_path, 30)
    assert read(tmp_path) == [(10, 8.0)]


def test_fingerprints_tell_vocabularies_apart():
    vocabularies = [["a", "b"], ["b", "a"], ["ab"], ["a"]]
    assert (
        len({WhitespaceTokenizer(Vocabulary(tokens)).fingerprint() for tokens in vocabularies}) == 4
    )


def write(path, points):
    with tf.summary.create_file_writer(os.fspath(path)).as_default():
        for step, value in points:
            tf.summary.scalar("loss", value, step)


def read(path):
    points = []
    for file in sorted(path.rglob("*tfevents*")):
        for event in tf.compat.v1.train.summary_iterator(os.fspath(file)):
            for value in event.summary.value:
                points.append((event.step, float(tf.make_ndarray(value.tensor))))
    return points


@pytest.mark.parametrize("step", [-1, 0, 15, 20, 21, 30, 99])
def test_keeps_the_events_up_to_a_step(tmp_path, step):
    points = [(0, 9.0), (10, 8.0), (20, 7.0), (20, 6.5), (30, 6.0)]
    write(tmp_path / "train", points)
    write(tmp_path / "dev", points[2:])
    kept = [point for point in points if point[0] <= step]
    kept_of_dev = [point for point in points[2:] if point[0] <= step]
    for _ in range(2):
        forget_events_after(tmp_path, step)
        assert read(tmp_path / "train") == kept
        assert read(tmp_path / "dev") == kept_of_dev


@pytest.mark.parametrize("cut", [1, 5, 13, 30])
def test_what_is_half_written_goes(tmp_path, cut):
    write(tmp_path, [(10, 8.0), (20, 7.0)])
    (file,) = tmp_path.iterdir()
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size - cut)
    forget_events_after(tmp_path, 30)
    assert read(tmp_path) == [(10, 8.0)]


def test_there_may_be_nothing(tmp_path):
    forget_events_after(tmp_path / "logs", 10)


@pytest.mark.parametrize("record", [MetricsLog, RunRecord])
def test_pipes_are_not_waited_for(tmp_path, record):
    os.mkfifo(tmp_path / "file")
    with pytest.raises(UserError, match="file: is a pipe"):
        record(tmp_path / "file")


def test_any_text_of_an_earlier_start_is_kept(tmp_path):
    path = tmp_path / "run.json"
    RunRecord(path).add_start(0, 7, {})
    path.write_text(path.read_text().replace('"python": "', '"python": "\\ud800'))
    RunRecord(path).add_start(20, 7, {})
    first, _ = json.loads(path.read_text())["starts"]
    assert first["versions"]["python"].startswith("\ud800")
