import json
import os
from pathlib import Path

import pytest
from harness.toy_model import write_toy_model
from rich.cells import cell_len

from keras_seq2seq.model_directory import ModelDirectory

SOURCE = "a b c\na b\n\nq q \x1b[31m \u202eabc [bold]\na b c d e f g h i j k l\n"
TARGET = "A B\nA\nB\nA A A\nA\n"
FILES = ["--train_source=source", "--train_target=target"]
VOCABULARIES = ["--vocab_source=v.source", "--vocab_target=v.target"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "source": SOURCE,
        "target": TARGET,
        "v.source": "a\nb\nc\n",
        "v.target": "A\nB\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return FILES


@pytest.mark.parametrize("columns", [60, 80])
def test_the_report_fits_the_terminal(run, files, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    buckets = f"--buckets={','.join(map(str, range(3, 70)))}"
    status, output, errors = run("inspect", *files, *VOCABULARIES, buckets)
    assert (status, errors) == (0, "")
    assert max(map(cell_len, output.splitlines())) <= columns
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "<U+202E>abc [bold]" in output
    lines = [line.split() for line in output.splitlines()]
    assert ["usable", "pairs", "4", "80.0%"] in lines
    assert ["longest", "13", "4"] in lines
    assert "source:5: 13 and 2 tokens, 9 unknown" in output
    # A shell joins the lines again.
    assert f"given: {buckets}\n" in output.replace("\\\n", "")
    assert ",\\\n" in output


def test_json(run, files):
    values = json.loads(run("inspect", *files, *VOCABULARIES, "--json", "--examples=1").output)
    assert (values["lines"], values["pairs"]) == (5, 4)
    assert values["source"]["unknown_tokens"] == 14
    assert values["source"]["frequent_unknown"] == [["q", 2]]
    assert [pair["place"] for pair in values["unbalanced"]] == ["source:5"]
    assert [estimate["name"] for estimate in values["padding"]] == ["one bucket", "proposed"]


def test_filters(run, files, tmp_path):
    (tmp_path / "target").write_text("A B\na b\nB\nA A A\nA\n")
    hparams = "filter.identical=true,filter.too_long=true,source.max_seq_len=12"
    arguments = ["inspect", *files, *VOCABULARIES, f"--hparams={hparams}"]
    output = run(*arguments).output
    lines = [line.split() for line in output.splitlines()]
    for row in (
        ["lines", "5"],
        ["excluded:", "identical", "sides", "1", "20.0%"],
        ["excluded:", "too", "long", "1", "20.0%"],
        ["usable", "pairs", "2", "40.0%"],
    ):
        assert row in lines
    values = json.loads(run(*arguments, "--json").output)
    assert values["dropped"] == {"identical sides": 1, "too long": 1}
    assert (values["lines"], values["pairs"]) == (3, 2)
    # The places are those in the file.
    assert [pair["place"] for pair in values["longest"]] == ["source:4", "source:1"]


def test_nothing_is_written(run, files):
    before = sorted(os.listdir())
    assert run("inspect", *files, *VOCABULARIES).status == 0
    assert sorted(os.listdir()) == before


def test_page(run, files, tmp_path):
    result = run("inspect", *files, *VOCABULARIES, "--output=report.html")
    assert (result.status, result.errors) == (0, "")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>source and target</title>" in page
    assert run("inspect", *files, *VOCABULARIES, "--output=-").output == page


def test_the_tokenizer_that_train_would_choose_is_reported(run, files, tmp_path):
    (tmp_path / "target").write_text("HELLO\nWORLD\n2024\n7\nA\n")
    arguments = ["inspect", *files, "--json"]
    assert run(*arguments).errors == (
        "source: split at white space, but train would choose the tokenizer sentencepiece for raw "
        "text; to count its tokens, set source.tokenizer and, unless it needs none, "
        "--vocab_source\n"
        "target: split at white space, but train would choose the tokenizer characters for short "
        "strings; to count its tokens, set target.tokenizer and, unless it needs none, "
        "--vocab_target\n"
    )
    result = run(*arguments, "--vocab_source=v.source", "--hparams=target.tokenizer=characters")
    assert (result.status, result.errors) == (0, "")


def test_hyperparameters(run, files):
    hparams = "--hparams=source.tokenizer=characters,source.max_seq_len=5"
    values = json.loads(run("inspect", *files, hparams, "--json").output)
    assert (values["source"]["tokenizer"], values["target"]["tokenizer"]) == (
        "characters",
        "whitespace",
    )
    assert (values["source"]["max_length"], values["source"]["truncated"]) == (5, 3)


def test_table(run, files, tmp_path):
    table = tmp_path / "pairs.jsonl"
    rows = [{"translation": {"en": "a b", "de": "c"}}, {"translation": {"en": "", "de": "d"}}]
    table.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    columns = ["--source_column=translation.en", "--target_column=translation.de"]
    result = run("inspect", "--train_data=pairs.jsonl", *columns, "--json")
    assert json.loads(result.output)["empty_places"] == ["pairs.jsonl:2"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "train_source is not set; use --train_source, or --train_data for a table"),
        (
            ["--train_source=source", "--train_target=v.target"],
            "source has 5 lines, but v.target has 2; expected line-aligned text",
        ),
        (
            [
                "--train_source=source",
                "--train_target=target",
                "--hparams=source.tokenizer=sentencepiece",
            ],
            "source.tokenizer=sentencepiece needs --vocab_source, a file NAME.model",
        ),
        (
            [*FILES, "--model_dir=m", *VOCABULARIES],
            "vocab_source: has no effect with --model_dir; leave it out",
        ),
        (
            [*FILES, "--model_dir=m"],
            "m: no such directory; expected a trained model",
        ),
    ],
)
def test_mistakes(run, files, args, message):
    assert run("inspect", *args) == (2, "", f"keras-seq2seq: error: {message}\n")


def test_the_configuration_is_not_replaced(run, files):
    Path("a.yaml").write_text("train_source: source\ntrain_target: target\n")
    result = run("inspect", "--config=a.yaml", "--output=a.yaml")
    assert "a.yaml: is an input, which it would replace" in result.errors


def test_an_output_that_cannot_be_written_is_an_error_before_the_text_is_read(
    run, files, monkeypatch
):
    monkeypatch.setattr(
        "keras_seq2seq.data.inspection.inspect_pairs", lambda *args: pytest.fail("read")
    )
    result = run("inspect", *files, "--output=missing/page.html")
    assert "missing/page.html: cannot be written (No such file or directory)" in result.errors


def test_the_tokenizers_of_a_model(run, tmp_path, files):
    write_toy_model(tmp_path / "model")
    values = json.loads(run("inspect", *files, "--model_dir=model", "--json").output)
    source, _ = ModelDirectory(tmp_path / "model").load_text_encoders()
    assert values["source"]["max_length"] == source.max_length
    assert values["source"]["vocabulary_size"] == len(source.vocabulary.tokens)
    result = run("inspect", *files, "--model_dir=model", "--hparams=source.max_seq_len=9")
    assert result.errors == (
        "keras-seq2seq: error: hparams: source and target have no effect with --model_dir; leave "
        "them out\n"
    )
    filtered = ["--hparams=filter.length_ratio=2", "--json"]
    values = json.loads(run("inspect", *files, "--model_dir=model", *filtered).output)
    # Of the four pairs with text, only "a b c" and "A B" have similar lengths.
    assert values["dropped"] == {"length ratio": 3}
