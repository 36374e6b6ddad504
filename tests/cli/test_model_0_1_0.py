"""All commands work with a model directory written by version 0.1.0, and give its results."""

import json
import shutil
from pathlib import Path

import keras
import pytest

from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import AttentionSeq2Seq
from keras_seq2seq.text import CharacterTokenizer, WhitespaceTokenizer

FIXTURE = Path(__file__).parents[1] / "fixtures" / "model_0_1_0"
MODEL, TEST, EXPECTED = FIXTURE / "model", FIXTURE / "data" / "test", FIXTURE / "expected"


def parse_scores(text):
    """Reads "text:score" columns and numbers."""
    rows = []
    for line in text.splitlines():
        words = [word.rsplit(":", 1) for column in line.split("\t") for word in column.split(" ")]
        rows.append(words)
    names = [[word[0] for word in row if len(word) == 2] for row in rows]
    return names, [float(word[-1]) for row in rows for word in row]


def test_translates(run):
    sources = TEST / "sources.txt"
    result = run("translate", f"--model_dir={MODEL}", stdin=sources.read_bytes())
    assert result.output == (EXPECTED / "greedy.txt").read_text("utf-8")


def test_translates_by_beam_search(run):
    options = ("--beam_width=3", "--n_best=2", "--scores")
    stdin = (TEST / "sources.txt").read_bytes()
    output = run("translate", f"--model_dir={MODEL}", *options, stdin=stdin).output
    rows, expected = (
        [line.split("\t") for line in text.splitlines()]
        for text in (output, (EXPECTED / "beam.txt").read_text("utf-8"))
    )
    assert [(number, text) for number, _, text in rows] == [
        (number, text) for number, _, text in expected
    ]
    assert [float(score) for _, score, _ in rows] == pytest.approx(
        [float(score) for _, score, _ in expected], abs=1e-4
    )


def test_scores(run):
    output = run(
        "score",
        f"--model_dir={MODEL}",
        f"--source={TEST}/sources.txt",
        f"--target={TEST}/targets.txt",
        "--tokens",
    ).output
    names, numbers = parse_scores(output)
    expected_names, expected = parse_scores((EXPECTED / "scores.txt").read_text("utf-8"))
    assert names == expected_names
    assert numbers == pytest.approx(expected, abs=1e-4)


def test_evaluates(run):
    output = run(
        "evaluate",
        f"--model_dir={MODEL}",
        f"--source={TEST}/sources.txt",
        f"--target={TEST}/targets.txt",
        "--json",
    ).output
    (system,) = json.loads(output)["systems"]
    (expected,) = json.loads((EXPECTED / "evaluate.json").read_text("utf-8"))["systems"]
    values, expected = (
        {name: score["value"] for name, score in found["scores"].items()}
        for found in (system, expected)
    )
    assert values == pytest.approx(expected, rel=1e-4)


def test_averages(run, tmp_path):
    # Of one checkpoint, that of the model.
    output = tmp_path / "average"
    result = run("average", f"--model_dir={MODEL}", f"--output_dir={output}", "--last=1")
    assert result.status == 0, result.errors
    stdin = (TEST / "sources.txt").read_bytes()
    translated = run("translate", f"--model_dir={output}", stdin=stdin)
    assert translated.output == (EXPECTED / "greedy.txt").read_text("utf-8")
    assert [type(tokenizer) for tokenizer in ModelDirectory(output).load_tokenizers()] == [
        WhitespaceTokenizer,
        CharacterTokenizer,
    ]
    assert (output / "target.tokenizer.json").exists()


def test_resumes(run, tmp_path, monkeypatch):
    shutil.copytree(FIXTURE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    result = run(
        "train",
        "--output_dir=model",
        "--config=model/config.yaml",
        "--train_steps=240",
        "--resume=must",
    )
    assert result.status == 0, result.errors
    records = [json.loads(line) for line in Path("model/metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [80, 160, 240]
    expected = json.loads((EXPECTED / "resumed.json").read_text())
    # The same batches.
    for name in ("tokens", "train_source_padding", "train_target_padding", "learning_rate"):
        assert records[-1][name] == expected[name], name
    # The losses depend on the number of threads, which determines the micro-batches of dropout.
    assert records[-1]["train_loss"] == pytest.approx(expected["train_loss"], rel=0.2)
    assert records[-1]["train_loss"] < records[1]["train_loss"]
    # The tokenizers are stored as in new directories from now on.
    assert json.loads(Path("model/target.tokenizer.json").read_text())["kind"] == "characters"


def test_a_new_run_starts_from_it(run, tmp_path, monkeypatch):
    shutil.copytree(FIXTURE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    files = [f"--train_{side}=data/test/{side}s.txt" for side in ("source", "target")]
    flags = ("--init_from=model", "--train_steps=1")
    result = run("train", "--output_dir=new", *files, *flags)
    assert result.status == 0, result.errors
    # Without vocabularies, `train` would choose shortcuts, which the model does not have.
    hparams = ModelDirectory("new").load_config().hparams
    assert not hparams.encoder.concat_inputs
    assert not hparams.decoder.context_skip


def test_keras_loads_the_model():
    assert type(keras.models.load_model(MODEL / "model.keras")) is AttentionSeq2Seq


def test_the_kind_of_a_tokenizer_is_in_the_configuration():
    source, target = ModelDirectory(MODEL).load_text_encoders()
    assert (type(source.tokenizer), source.max_length, source.reverse) == (
        WhitespaceTokenizer,
        10,
        True,
    )
    assert (type(target.tokenizer), target.max_length, target.reverse) == (
        CharacterTokenizer,
        14,
        False,
    )
