"""From nothing to translations, through the installed program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("keras-seq2seq")


def run(*args, **options):
    result = subprocess.run(
        [PROGRAM, *map(str, args)], capture_output=True, encoding="utf-8", **options
    )
    assert result.returncode == 0, result.stderr
    return result


def test_train_and_translate(tmp_path):
    """Learns to copy three symbols, one of which is not ASCII."""
    data, model = tmp_path / "data", tmp_path / "model"
    run("data", "copy", data, "--train=2000", "--vocabulary_size=3", "--max_length=3")
    for side in ("sources", "targets"):
        vocabulary = tmp_path / f"vocab.{side}"
        run("vocab", data / "train" / f"{side}.txt", "--output", vocabulary)
        tokens = {line.split("\t")[0] for line in vocabulary.read_text("utf-8").splitlines()}
        assert tokens == {"0", "1", "笑"}
    trained = run(
        "train",
        f"--train_source={data}/train/sources.txt",
        f"--train_target={data}/train/targets.txt",
        f"--dev_source={data}/dev/sources.txt",
        f"--dev_target={data}/dev/targets.txt",
        f"--vocab_source={tmp_path}/vocab.sources",
        f"--vocab_target={tmp_path}/vocab.targets",
        "--batch_size=32",
        "--train_steps=150",
        "--hparams=rnn_cell.num_units=32,rnn_cell.type=GRUCell,attention.dim=32,"
        "optimizer.learning_rate=0.01",
        f"--output_dir={model}",
    )
    # Nothing of what tensorflow logs.
    assert "cuda" not in trained.stderr.lower() and "absl" not in trained.stderr.lower()

    lines = "笑\n\n1 0 笑\r\n0 笑\n"
    translated = run("translate", "--model-dir", model, input=lines)
    assert translated.stdout == "笑\n\n1 0 笑\n0 笑\n"
    assert translated.stderr == ""


# All words of three letters, with one phone per letter. Those with a "c" have two pronunciations.
CMUDICT = """
def entries():
    letters = {"a": ["AA1"], "t": ["T"], "s": ["S"], "o": ["OW0"], "m": ["M"], "c": ["K"]}
    words = [a + b + c for a in letters for b in letters for c in letters]
    entries = [(word, [phone for letter in word for phone in letters[letter]]) for word in words]
    return entries + [(w, ["S" if p == "K" else p for p in phones]) for w, phones in entries]
"""


# Other tests run each of the commands in their own process.
@pytest.mark.slow
def test_pronunciations_in_three_commands(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "cmudict.py").write_text(CMUDICT)
    path = [str(tmp_path / "package"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    data, model = tmp_path / "data", tmp_path / "model"
    written = run("data", "cmudict", data, env=environment)
    assert "train: " in written.stderr
    run(
        "train",
        f"--train_source={data}/train/sources.txt",
        f"--train_target={data}/train/targets.txt",
        f"--dev_source={data}/dev/sources.txt",
        f"--dev_target={data}/dev/targets.txt",
        f"--vocab_source={data}/vocab.sources.txt",
        f"--vocab_target={data}/vocab.targets.txt",
        "--batch_size=32",
        "--train_steps=150",
        "--best_metric=per",
        "--hparams=source.tokenizer=characters,rnn_cell.num_units=32,rnn_cell.type=GRUCell,"
        "attention.dim=32,optimizer.learning_rate=0.01",
        f"--output_dir={model}",
    )
    evaluated = run(
        "evaluate", "--model_dir", model, "--source", data / "test" / "sources.txt",
        "--target", data / "test" / "targets.txt", "--group_by_source",
        "--metrics", "per,sequence_error", "--beam_width=2", "--json",
    )  # fmt: skip
    result = json.loads(evaluated.stdout)
    words = (data / "test" / "sources.txt").read_text("utf-8").split()
    assert result["lines"] == len(set(words)) < len(words)
    scores = {name: score["value"] for name, score in result["systems"][0]["scores"].items()}
    assert scores["per"] <= 10 and scores["sequence_error"] <= 30
