import io
import json
import re

import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.cli.score_table import print_score_table
from keras_seq2seq.evaluation import evaluate_systems
from keras_seq2seq.translator import Translator

REFERENCES = ["a man sleeps .", "a dog runs .", "ein [bold] Mann", "x"]


@pytest.fixture
def files(tmp_path):
    texts = {
        "target": REFERENCES,
        "good": REFERENCES[:3] + ["y"],
        "bad": ["a man sleeps .", "the dog is running .", "y", "x"],
        "short": REFERENCES[:2],
        "empty": [],
        "more": ["a", "the dog is running .", "", "z"],
        "words": ["read", "lead", "read", "lead"],
        "pronunciations": ["R IY D", "L EH D", "R EH D", "L IY D"],
        "pronounced": ["R EH D", "L EH T", "R EH D", "L EH T"],
    }
    for name, lines in texts.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return {name: str(tmp_path / name) for name in texts} | {"nowhere": str(tmp_path / "nowhere")}


def test_table_of_one_system(files, run):
    status, out, err = run(
        "evaluate", "--hypotheses", files["good"], "--target", files["target"],
        "--metrics", "exact_match,ter",
    )  # fmt: skip
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == [files["good"]]
    assert ["exact", "match", "75.00"] in rows
    # One of twelve words.
    assert ["TER", "↓", "8.33"] in rows
    assert "TER: nrefs:1|case:lc|tok:tercom|" in out


@pytest.mark.parametrize("command", ["evaluate", "score", "translate"])
def test_a_file_is_given_once(files, run, command):
    name = "target" if command == "score" else "source"
    options = {"model_dir": "dir", "source": "bad", "target": "good"}
    if command == "translate":
        del options["target"]
    args = [f"--{key}={files.get(value, value)}" for key, value in options.items()]
    result = run(command, *args, f"--{name}={files['target']}")
    assert (result.status, result.output) == (2, "")
    assert result.errors.startswith(
        f"keras-seq2seq: error: --{name} is given 2 times; expected one file."
    )


@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_tables_are_no_text(tmp_path, run, command):
    path = tmp_path / "a.jsonl"
    path.write_text('{"de": "hund", "en": "dog"}\n')
    flags = ["--model_dir", tmp_path, "--source", path, "--target", path]
    result = run(command, *flags)
    assert result.status == 2
    assert f"{path}: a table; use --data" in result.errors


@pytest.mark.parametrize("reference", ["--target={target}", "--data={table}"])
def test_tables_are_no_hypotheses(tmp_path, files, table, run, reference):
    path = tmp_path / "translations.jsonl"
    path.write_text('{"hypotheses": []}\n' * 4)
    reference = reference.format(**files, table=table)
    status, out, err = run("evaluate", "--hypotheses", path, reference)
    assert (status, out) == (2, "")
    assert err.startswith(
        f"keras-seq2seq: error: {path}: a table; use plain text with one translation per line"
    )


def test_several_references(files, run):
    status, out, err = run(
        "evaluate", "--hypotheses", files["bad"], "--target", files["target"],
        "--target", files["good"], "--target", files["more"], "--metrics", "exact_match,wer",
        "--json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    ((scores,),) = ([system["scores"] for system in json.loads(out)["systems"]],)
    # The third line of `more` is empty, so "y" differs from all references: 3 errors in 3 words.
    assert scores["exact_match"]["value"] == 75
    assert scores["wer"]["value"] == pytest.approx(100 * 3 / (4 + 5 + 3 + 1))
    assert "nrefs:var|" in scores["wer"]["signature"]


def test_equal_sources_are_evaluated_once(files, run, tmp_path):
    status, out, err = run(
        "evaluate", "--hypotheses", files["pronounced"], "--target", files["pronunciations"],
        "--source", files["words"], "--group_by_source", "--metrics", "per,sequence_error",
    )  # fmt: skip
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    # "read" is right; "lead" has one error in three phones.
    assert ["PER", "↓", f"{100 * 1 / 6:.2f}"] in rows
    assert ["sequence", "error", "↓", "50.00"] in rows
    assert "2 lines, 2 references each; ↓ lower is better" in out


@pytest.fixture
def table(files, tmp_path):
    """Returns a table with the same text as `files`, with a nested column."""
    path = tmp_path / "pairs.jsonl"
    more = ["a", "the dog is running .", "", "z"]
    rows = [
        {"source": f"s{number}", "target": reference, "other": {"target": second}}
        for number, (reference, second) in enumerate(zip(REFERENCES, more, strict=True))
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("columns", [[], ["--target_column=target"]])
def test_references_from_a_table(files, run, table, columns):
    expected = run("evaluate", "--hypotheses", files["bad"], "--target", files["target"])
    result = run("evaluate", "--hypotheses", files["bad"], "--data", table, *columns)
    assert result.status == 0
    assert result == expected


def test_several_references_from_a_table(files, run, table):
    hypotheses = ["--hypotheses", files["bad"], "--metrics=wer,exact_match"]
    expected = run("evaluate", *hypotheses, "--target", files["target"], "--target", files["more"])
    columns = ["--target_column=target", "--target_column=other.target"]
    result = run("evaluate", *hypotheses, "--data", table, *columns)
    assert result.status == 0
    assert result == expected


def test_equal_sources_of_a_table_are_evaluated_once(files, run, tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text("read\tR IY D\nlead\tL EH D\nread\tR EH D\nlead\tL IY D\n")
    options = ["--hypotheses", files["pronounced"], "--group_by_source", "--metrics=per"]
    expected = run(
        "evaluate", *options, "--source", files["words"], "--target", files["pronunciations"]
    )
    result = run("evaluate", *options, "--data", path)
    assert result.status == 0
    assert result == expected
    swapped = ["--source_column=2", "--target_column=1"]
    assert run("evaluate", *options, "--data", path, *swapped).output != expected.output


def test_a_model_translates_a_table(tmp_path, run, monkeypatch):
    write_toy_model(tmp_path / "model", seed=7)
    monkeypatch.setattr(Translator, "__call__", lambda *args, **options: ["A B", "C"])
    table = tmp_path / "pairs.csv"
    table.write_text("de,en,id\na b,A B,1\nc,D,2\n")
    status, out, _ = run(
        "evaluate", "--model_dir", tmp_path / "model", "--data", table, "--source_column=de",
        "--target_column=en", "--metrics=exact_match", "--json",
    )  # fmt: skip
    assert status == 0
    assert json.loads(out)["systems"][0]["scores"]["exact_match"]["value"] == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--hypotheses {good}", "Missing option '--target', or --data for a table."),
        ("--hypotheses {good} --data {table} --target {target}", "--data cannot be combined with"),
        ("--model_dir m --data {table} --source {words}", "--data cannot be combined with"),
        ("--hypotheses {good} --target {target} --target_column 1", "--source_column and --target"),
        ("--hypotheses {good} --data {table} --source_column 1", "--source_column has no effect"),
        ("--model_dir m --data {table} --target_column target", "Give both --source_column and"),
        ("--hypotheses {short} --data {table}", "{table} has 4 rows, but {short} has 2 lines; "),
        ("--hypotheses {good} --data {target}", "{target}: not a table; expected a name that"),
        ("--hypotheses {good} --data {table} --target_column x.y", "{table}:1: no column 'x.y'"),
        ("--hypotheses {good} --data {nowhere}", "{nowhere}: not a table"),
    ],
)
def test_mistakes_with_tables(files, table, run, arguments, message):
    names = files | {"table": str(table)}
    status, out, err = run("evaluate", *(part.format(**names) for part in arguments.split()))
    assert (status, out) == (2, "")
    assert err.startswith(f"keras-seq2seq: error: {message.format(**names)}")


def test_models_translate_equal_sources_once(files, tmp_path, run, monkeypatch):
    write_toy_model(tmp_path / "model", seed=7)
    translated = []

    def translate(translator, sources, batch_size):
        translated.append((sources, translator.search.get_config()))
        return ["R EH D", "L EH D"]

    monkeypatch.setattr(Translator, "__call__", translate)
    options = ["--beam_width=3", "--length_penalty_weight=0.5", "--max_length=9"]
    status, out, _ = run(
        "evaluate", "--model_dir", tmp_path / "model", "--source", files["words"],
        "--target", files["pronunciations"], "--group_by_source", "--metrics", "per,perplexity",
        "--json", *options,
    )  # fmt: skip
    assert status == 0
    ((sources, search),) = translated
    assert sources == ["read", "lead"]
    assert (search["width"], search["length_penalty"], search["max_length"]) == (3, 0.5, 9)
    scores = json.loads(out)["systems"][0]["scores"]
    assert scores["per"]["value"] == 0
    # Each of the four pronunciations is a pair.
    assert "lines:4|" in scores["perplexity"]["signature"]


def test_sampling_has_a_seed_of_its_own(files, tmp_path, run, monkeypatch):
    write_toy_model(tmp_path / "model", seed=7)
    seeds = []

    def translate(translator, sources, batch_size):
        seeds.append(translator.search.seed.get_config()["seed"])
        return sources

    monkeypatch.setattr(Translator, "__call__", translate)
    args = ["evaluate", "--model_dir", tmp_path / "model", "--source", files["good"]]
    args += ["--target", files["good"], "--metrics=exact_match"]
    for more in ([], ["--seed=3"], ["--sampling_seed=4"]):
        assert run(*args, "--sample", *more).status == 0
    assert seeds == [1, 1, 4]
    result = run(*args, "--sampling_seed=2")
    assert result.status == 2
    assert "sampling_seed: has no effect here: it needs sample" in result.errors


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("length", [3, 70])
def test_tables_fit_the_terminal(monkeypatch, columns, length):
    monkeypatch.setenv("COLUMNS", str(columns))
    # rich takes dumb terminals as 80 columns wide.
    monkeypatch.setenv("TERM", "xterm")
    names = [letter * length for letter in "abc"]
    lines = ["a b c d", "b c d e", "c d e f"]
    systems = {name: [*lines[:number], *["x"] * (3 - number)] for number, name in enumerate(names)}
    scores = evaluate_systems(systems, lines, "bleu,sequence_error", bootstrap_samples=9)
    file = Terminal()
    print_score_table(scores, "3 lines", file)
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    rows = text.partition("\n3 lines")[0].splitlines()
    assert all(len(row) <= columns for row in rows if row not in names)
    assert "…" not in text
    assert all(name in text for name in names)
    for system in scores.values():
        assert f"{system['bleu'].value:.2f} ± {system['bleu'].confidence:.2f}" in text
    assert text.count("BLEU  ") == (1 if columns >= 80 and length == 3 else 3)


def test_table_of_two_systems_tells_significance(files, run):
    status, out, _ = run(
        "evaluate", "--hypotheses", files["good"], "--hypotheses", files["bad"],
        "--target", files["target"], "--metrics", "exact_match", "--bootstrap_samples", "99",
    )  # fmt: skip
    assert status == 0
    (row,) = [line.split() for line in out.splitlines() if line.startswith("exact match  ")]
    assert row[2] == "75.00"
    assert row[5] == "50.00"
    assert 0 < float(row[-1].rstrip("*")) <= 1
    assert "bs:99|seed:12345|" in out


def test_json(files, run):
    status, out, err = run(
        "evaluate", "--hypotheses", files["good"], "--hypotheses", files["bad"],
        "--target", files["target"], "--metrics", "wer,bleu", "--tokenize", "none", "--lowercase",
        "--seed", "3", "--bootstrap-samples", "10", "--json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert result["lines"] == 4
    good, bad = result["systems"]
    assert [good["name"], bad["name"]] == [files["good"], files["bad"]]
    assert list(good["scores"]) == ["wer", "bleu"]
    assert good["scores"]["wer"]["value"] == pytest.approx(100 / 12)
    assert "p_value" not in good["scores"]["wer"]
    assert 0 < bad["scores"]["wer"]["p_value"] <= 1
    assert "bs:10|seed:3|case:lc|eff:no|tok:none|" in bad["scores"]["bleu"]["signature"]


def test_models(files, tmp_path, run):
    write_toy_model(tmp_path / "model", seed=7)
    source, target = tmp_path / "source", tmp_path / "reference"
    source.write_text("".join(f"{line}\n" for line in SOURCES), encoding="utf-8")
    target.write_text("a man\n" * len(SOURCES), encoding="utf-8")
    arguments = ["--model_dir", str(tmp_path / "model"), "--target", str(target)]
    status, out, _ = run("evaluate", *arguments, "--source", str(source), "--json")
    assert status == 0
    scores = json.loads(out)["systems"][0]["scores"]
    assert list(scores) == [
        "bleu", "chrf", "ter", "rouge_1", "rouge_2", "rouge_l", "wer", "cer", "exact_match",
        "perplexity",
    ]  # fmt: skip
    assert scores["perplexity"]["value"] > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--hypotheses {short} --target {target}", "{target} has 4 lines, but {short} has 2; "),
        ("--hypotheses {good} --target {empty}", "{empty}: empty file; "),
        ("--hypotheses {nowhere} --target {target}", "{nowhere}: no such file"),
        ("--hypotheses {good} --target {target} --metrics blue", "unknown metric 'blue'; did you "),
        ("--hypotheses {good} --target {target} --metrics Perplexity", "perplexity needs a model"),
        ("--hypotheses {good} --target {target} --tokenize 13", "unknown tokenizer '13'; did you "),
        ("--hypotheses {good} --hypotheses {good} --target {target}", "{good}: given twice"),
        ("--target {target}", "Give either --model_dir with --source, or --hypotheses"),
        ("--model_dir x --hypotheses y --target z", "Give either --model_dir with --source, or "),
        ("--model_dir x --target {target}", "--model_dir needs --source"),
        ("--hypotheses x --source y --target z", "--source has no effect with --hypotheses"),
        ("--hypotheses {good} --target {target} --seed 0", "Invalid value for '--seed'"),
        ("--hypotheses {good}", "Missing option '--target'"),
        ("--hypotheses {good} --data -", "--data cannot be standard input; write the table to a f"),
        (
            "--hypotheses {good} --target {target} --source= --group_by_source",
            "expected the path of a file, got an empty one",
        ),
        ("--hypotheses x --target z --beam_width 3", "--beam_width has no effect with --hypothe"),
        ("--hypotheses x --target z --group_by_source", "--group_by_source and --metrics comet n"),
        ("--hypotheses x --target z --metrics comet", "--group_by_source and --metrics comet need"),
        ("--hypotheses x --target z --comet_model m", "--comet_model has no effect without --m"),
        (
            "--hypotheses {good} --target {target} --metrics chrf --tokenize zh",
            "--tokenize has no effect without --metrics bleu",
        ),
        (
            "--hypotheses {good} --target {target} --bootstrap_samples 9",
            "--bootstrap_samples has no effect with a single system",
        ),
        (
            "--hypotheses {good} --target {target} --metrics ter --lowercase",
            "--lowercase has no effect with --metrics ter",
        ),
        (
            "--model_dir m --model_dir n --source {target} --target {target} --metrics perplexity "
            "--bootstrap_samples 9",
            "--bootstrap_samples has no effect with --metrics perplexity",
        ),
        (
            "--hypotheses {good} --target {target} --batch_size 9",
            "--batch_size has no effect with --hypotheses",
        ),
        ("--hypotheses {good} --target {target} --target {short}", "{target} has 4 lines, but "),
        (
            "--hypotheses {good} --target {target} --source {target} --metrics comet",
            "metric 'comet' needs unbabel-comet, which is not installed: pip install ",
        ),
    ],
)
def test_errors(files, run, arguments, message):
    status, out, err = run("evaluate", *(part.format(**files) for part in arguments.split()))
    assert (status, out) == (2, "")
    assert err.startswith(f"keras-seq2seq: error: {message.format(**files)}")
    assert "Traceback" not in err


def test_files_that_take_too_much_memory(files, run, monkeypatch):
    def fail(*args, **options):
        raise MemoryError

    monkeypatch.setattr("keras_seq2seq.evaluation.evaluate_systems", fail)
    result = run("evaluate", "--hypotheses", files["good"], "--target", files["target"])
    message = "keras-seq2seq: error: out of memory; evaluate fewer lines at once\n"
    assert result == (1, "", message)


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("a\tb\tc\n", "3 columns"),
        ("en\tde\n", "'en' and 'de' look like names of columns"),
    ],
)
def test_references_of_a_table_must_be_chosen(files, run, tmp_path, table, found):
    path = tmp_path / "table.tsv"
    path.write_text(table)
    result = run("evaluate", "--hypotheses", files["good"], "--data", path)
    assert (result.status, result.output) == (2, "")
    assert result.errors == (
        f"keras-seq2seq: error: {path}:1: {found}; choose the references with --target_column\n"
    )
