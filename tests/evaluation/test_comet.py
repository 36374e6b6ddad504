"""COMET, with a fake of its package: the network takes gigabytes to download."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import evaluate, evaluate_systems

# Has the functions and keywords of unbabel-comet 2.2. Scores are the share of common characters.
FAKE = """
calls = []


def download_model(model, saving_directory=None, local_files_only=False):
    calls.append(("download", model))
    if model == "unknown":
        raise KeyError("Model 'unknown' not supported by COMET.")
    return f"cache/{model}/checkpoints/model.ckpt"


def load_from_checkpoint(
    checkpoint_path, reload_hparams=False, strict=False, local_files_only=False
):
    calls.append(("load", str(checkpoint_path)))
    return Model()


class Prediction(dict):
    __getattr__ = dict.__getitem__


class Model:
    def predict(
        self, samples, batch_size=16, gpus=1, devices=None, mc_dropout=0, progress_bar=True,
        accelerator="auto", num_workers=None, length_batching=True,
    ):
        calls.append(("predict", len(samples), gpus))
        scores = [
            len({*sample["mt"]} & {*sample["ref"]} & {*sample["src"]}) / 4 for sample in samples
        ]
        return Prediction(scores=scores, system_score=sum(scores) / len(scores))
"""


@pytest.fixture
def comet(tmp_path, monkeypatch):
    (tmp_path / "unbabel_comet-2.2.6.dist-info").mkdir()
    (tmp_path / "unbabel_comet-2.2.6.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: unbabel-comet\nVersion: 2.2.6\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(sys.modules, "torch", torch)
    module = ModuleType("comet")
    exec(FAKE, module.__dict__)
    monkeypatch.setitem(sys.modules, "comet", module)
    return module


SOURCES, REFERENCES = ["abcd", "abcd"], ["abxx", "abcd"]


def test_the_score_is_the_mean_over_lines_in_percent(comet):
    score = evaluate(["abcd", "a"], REFERENCES, "comet", sources=SOURCES)["comet"]
    assert score.value == pytest.approx(100 * (2 / 4 + 1 / 4) / 2)
    assert score.signature == ("nrefs:1|model:Unbabel/wmt22-comet-da|version:unbabel-comet-2.2.6")
    assert comet.calls == [
        ("download", "Unbabel/wmt22-comet-da"),
        ("load", "cache/Unbabel/wmt22-comet-da/checkpoints/model.ckpt"),
        ("predict", 2, 0),
    ]


def test_the_best_of_several_references_counts(comet):
    references = [["x", "abc", "a"], ["ab"]]
    score = evaluate(["abcd", "abcd"], references, "comet", sources=SOURCES)["comet"]
    assert score.value == pytest.approx(100 * (3 / 4 + 2 / 4) / 2)
    assert score.signature.startswith("nrefs:var|")
    assert comet.calls[-1] == ("predict", 4, 0)


def test_systems_are_compared_with_one_network(comet):
    sources, references = ["abcd"] * 30, ["abcd"] * 30
    systems = {"good": ["abcd"] * 30, "bad": ["ab"] * 15 + ["abc"] * 15}
    scores = evaluate_systems(
        systems, references, "comet,wer", sources=sources, bootstrap_samples=50
    )
    assert scores["good"]["comet"].value == 100
    assert scores["bad"]["comet"].value == pytest.approx(100 * (2 + 3) / 8)
    assert scores["bad"]["comet"].p_value < 0.05
    assert sum(call[0] == "load" for call in comet.calls) == 1


def test_a_checkpoint_file_is_not_downloaded(comet, tmp_path):
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"")
    evaluate(["a", "b"], REFERENCES, "comet", sources=SOURCES, comet_model=str(path))
    assert comet.calls[0] == ("load", str(path))


def test_errors(comet):
    with pytest.raises(UserError, match="COMET model unknown: cannot be loaded"):
        evaluate(["a", "b"], REFERENCES, "comet", sources=SOURCES, comet_model="unknown")
    with pytest.raises(UserError, match="metric 'comet' needs the sources"):
        evaluate(["a", "b"], REFERENCES, "comet")
    with pytest.raises(UserError, match="1 sources for 2 translations"):
        evaluate(["a", "b"], REFERENCES, "comet", sources=["a"])


def test_a_missing_package_is_named():
    with pytest.raises(UserError, match=r"pip install 'keras-seq2seq\[comet\]'"):
        evaluate(["a", "b"], REFERENCES, "comet", sources=SOURCES)
