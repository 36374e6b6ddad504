import json
import sys

import keras
import pytest

from keras_seq2seq.data import Vocabulary
from keras_seq2seq.errors import UserError
from keras_seq2seq.training.run_record import RunRecord, fingerprint


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
    with pytest.raises(UserError, match="--dev_source: other text .*SHA-256 c instead of b.*never"):
        record.check_data({"train_source": "a", "dev_source": "c"})


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UserError, match="run.json: damaged file"):
        RunRecord(tmp_path / "run.json")


def test_fingerprints_tell_vocabularies_apart():
    vocabularies = [["a", "b"], ["b", "a"], ["ab"], ["a"]]
    assert len({fingerprint(Vocabulary(tokens)) for tokens in vocabularies}) == 4
