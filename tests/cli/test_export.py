import json

import numpy as np
import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.export import litert
from keras_seq2seq.translator import Translator


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model"
    write_toy_model(path)
    return path


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines"
    path.write_text("\n".join(SOURCES), encoding="utf-8")
    return path


def test_litert(run, model, lines, tmp_path, monkeypatch):
    # No graph for batches, which takes half of the time.
    monkeypatch.setattr(litert, "BATCH_SIZES", (1,))
    exported = tmp_path / "exported"
    args = ["--model_dir", model, "--output_dir", exported, "--check", lines, "--beam_width", "2"]
    result = run("export", *args)
    assert result.status == 0
    first, second = result.errors.splitlines()
    assert first.startswith("Compared with the original: 6 of 6 translations equal")
    assert second == f"Translate with: keras-seq2seq translate --model_dir {exported}"
    result = run("translate", "--model_dir", exported, "--source", lines, "--format", "jsonl")
    assert (result.status, result.errors) == (0, "")
    translations = Translator.load(model, beam_width=2).translate(SOURCES)
    for line, translation in zip(result.output.splitlines(), translations, strict=True):
        found, expected = json.loads(line)["hypotheses"][0], translation.best.to_dict()
        assert found["text"] == expected["text"]
        np.testing.assert_allclose(found["token_scores"], expected["token_scores"], atol=1e-4)


def test_saved_model(run, model, lines, tmp_path):
    exported = tmp_path / "toy"
    result = run(
        *("export", "--model_dir", model, "--output_dir", exported, "--format", "saved_model"),
        *("--check", lines),
    )
    assert result.status == 0
    first, second = result.errors.splitlines()
    assert first.startswith("Compared with the original: 6 of 6 translations equal")
    assert second.endswith(f"--model_name=toy --model_base_path={exported}")
    assert (exported / "1" / "saved_model.pb").is_file()


def test_litert_computes_in_float32(run, model, tmp_path):
    args = ["--model_dir", model, "--output_dir", tmp_path / "toy"]
    result = run("export", *args, "--dtype", "bfloat16")
    assert (result.status, "--dtype has no effect with litert" in result.errors) == (2, True)
    assert not (tmp_path / "toy").exists()


def test_quantize_needs_litert(run, model, tmp_path):
    args = ["--model_dir", model, "--output_dir", tmp_path / "toy", "--format", "saved_model"]
    result = run("export", *args, "--quantize", "int8")
    assert result.status == 2
    assert "quantize: int8 is not possible with saved_model; leave it out" in result.errors
