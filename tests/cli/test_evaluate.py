import json

import pytest
from harness.toy_model import SOURCES, write_toy_model

REFERENCES = ["a man sleeps .", "a dog runs .", "ein [bold] Mann", "x"]


@pytest.fixture
def files(tmp_path):
    texts = {
        "target": REFERENCES,
        "good": REFERENCES[:3] + ["y"],
        "bad": ["a man sleeps .", "the dog is running .", "y", "x"],
        "short": REFERENCES[:2],
        "empty": [],
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
    name = "source" if command == "translate" else "target"
    options = {"model_dir": "dir", "source": "bad", "target": "good"}
    if command == "translate":
        del options["target"]
    args = [f"--{key}={files.get(value, value)}" for key, value in options.items()]
    result = run(command, *args, f"--{name}={files['target']}")
    assert (result.status, result.output) == (2, "")
    assert result.errors.startswith(
        f"keras-seq2seq: error: --{name} is given 2 times; expected one file."
    )


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
    ],
)
def test_errors(files, run, arguments, message):
    status, out, err = run("evaluate", *(part.format(**files) for part in arguments.split()))
    assert (status, out) == (2, "")
    assert err.startswith(f"keras-seq2seq: error: {message.format(**files)}")
    assert "Traceback" not in err
