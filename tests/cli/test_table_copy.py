"""`translate` and `score` keep the columns of a table."""

import csv
import gzip
import json

import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.translator import Translator
from keras_seq2seq.translator.scorer import Scorer

TARGETS = ["a man sleeps .", "dog", "läuft <unk>", "Mann", "", "a a a"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    write_toy_model(path)
    return path


@pytest.fixture(scope="module")
def translations(model):
    return Translator.load(model)(SOURCES)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    rows = [
        [str(number), source, target]
        for number, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True))
    ]
    (tmp_path / "a.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
    with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a, b", "de", "en"], *rows])
    names = "number", "de", "en"
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({**dict(zip(names, row, strict=True)), "x": [1]}) + "\n" for row in rows)
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(output):
    return [line.split("\t") for line in output.splitlines()]


def test_translate_tsv(run, model, directory, translations):
    result = run("translate", "--model_dir", model, "--source=a.tsv", "--source_column=2")
    assert (result.status, result.errors) == (0, "")
    rows = rows_of(result.output)
    assert [row[1] for row in rows] == SOURCES
    assert [row[3] for row in rows] == translations
    stdin = (directory / "a.tsv").read_bytes()
    options = ["--source_column=2", "--input_format=tsv"]
    assert run("translate", "--model_dir", model, *options, stdin=stdin).output == result.output


def test_translate_csv_with_scores_of_several_hypotheses(run, model, directory):
    options = ["--source_column=de", "--beam_width=3", "--n_best=2", "--scores"]
    result = run("translate", "--model_dir", model, "--source=a.csv.gz", *options)
    rows = list(csv.DictReader(result.output.splitlines()))
    assert list(rows[0]) == ["a, b", "de", "en", "score", "translation"]
    expected = [
        (source, hypothesis.text, f"{hypothesis.score:.6f}")
        for source, translation in zip(
            SOURCES,
            Translator.load(model, beam_width=3, n_best=2).translate(SOURCES),
            strict=True,
        )
        for hypothesis in translation.hypotheses
    ]
    assert [(row["de"], row["translation"]) for row in rows] == [row[:2] for row in expected]
    assert [float(row["score"]) for row in rows] == pytest.approx(
        [float(row[2]) for row in expected], abs=1e-4
    )


def test_translate_json_lines(run, model, directory, translations):
    options = ["--source=a.jsonl", "--source_column=de"]
    rows = run("translate", "--model_dir", model, *options).output.splitlines()
    rows = [json.loads(row) for row in rows]
    assert list(rows[0]) == ["number", "de", "en", "x", "translation"]
    assert [row["translation"] for row in rows] == translations


def test_score(run, model, directory):
    expected = [score.log_probability for score in Scorer.load(model)(SOURCES, TARGETS)]
    args = ["--model_dir", model, "--tokens"]
    tsv = run("score", *args, "--data=a.tsv", "--source_column=2", "--target_column=3")
    assert "5 lines, 16 tokens" in tsv.errors and "skipped 1 line" in tsv.errors
    rows = rows_of(tsv.output)
    assert [float(row[3]) for row in rows] == pytest.approx(expected, abs=1e-4)
    assert rows[0][5].startswith("a:-")
    named = ["--source_column=de", "--target_column=en"]
    lines = run("score", *args, "--data=a.jsonl", *named).output.splitlines()
    records = [json.loads(line) for line in lines]
    assert [row["log_probability"] for row in records] == pytest.approx(expected, abs=1e-4)
    assert [row["tokens"] for row in records] == [int(row[4]) for row in rows]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["translate", "--source=a.tsv"], "a.tsv: a table; choose a column with --source_column"),
        (["translate", "--source=a.parquet"], "a.parquet: expected text, TSV, CSV or JSON lines"),
        (["translate", "--source_column=a"], "needs a file that ends in .tsv, .csv or .jsonl"),
        (["translate", "--source=a.tsv", "--source_column=0"], "expected the name of a column"),
        (
            ["translate", "--source=a.tsv", "--source_column=2", "--format=jsonl"],
            "--format jsonl has no effect with --source_column",
        ),
        (["translate", "--source=a.tsv", "--source_column=9"], "a.tsv:1: no column 9; it has 3"),
        (["score", "--data=a.tsv"], "--data needs --source_column and --target_column."),
        (["score", "--source=a.tsv"], "Missing option '--target', or --data for a table."),
        (["score", "--data=a.tsv", "--json"], "--source, --target and --json have no effect"),
        (["score", "--source=a", "--target=b", "--source_column=1"], "need a table: --data."),
    ],
)
def test_one_line_errors(run, model, directory, args, message):
    (directory / "a.parquet").write_bytes(b"PAR1")
    command, *options = args
    result = run(command, "--model_dir", model, *options)
    assert result.status == 2 and message in result.errors


def test_a_column_of_that_name_exists(run, model, directory):
    (directory / "b.csv").write_text("de,translation\na,b\n")
    args = ["--source=b.csv", "--source_column=de", "--output=out"]
    result = run("translate", "--model_dir", model, *args)
    assert "b.csv:1: already has a column 'translation'; rename it" in result.errors
    assert not (directory / "out").exists()


def test_objects_with_both_sides(run, model, directory):
    args = ["--source=b.jsonl", "--source_column=translation.de"]
    (directory / "b.jsonl").write_text('{"translation": {"de": "hund"}}\n')
    result = run("translate", "--model_dir", model, *args)
    row = json.loads(result.output)
    assert row["translation"] == {"de": "hund"}
    assert row["translated"] == Translator.load(model)("hund")


def test_json_lines_are_copied_as_they_are(run, model, tmp_path):
    line = '{"de": "hund", "x": "\\ud800", "y": 1e400, "z": 0.10, "w": 12345678901234567890.5}'
    path = tmp_path / "b.jsonl"
    path.write_text(f"{line}\n")
    output = tmp_path / "output.jsonl"
    result = run(
        "translate",
        "--model_dir",
        model,
        f"--source={path}",
        "--source_column=de",
        f"--output={output}",
    )
    assert (result.status, result.errors) == (0, "")
    assert output.read_text().startswith(f'{line[:-1]}, "translation": "')
