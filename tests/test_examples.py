import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from keras_seq2seq.config import resolve_config
from keras_seq2seq.data import write_corpus
from keras_seq2seq.tuning import load_space

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SPACES = sorted(EXAMPLES.glob("*_space.yaml"))
CONFIGURATIONS = sorted(set(EXAMPLES.glob("*.yaml")) - set(SPACES))


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_every_configuration_is_valid(path):
    assert resolve_config(files=[path]).hparams.model_fields_set


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.name)
def test_every_search_space_is_valid(path):
    assert len(load_space(path).dimensions) > 1


@pytest.fixture
def run_example(monkeypatch, capsys):
    """Runs a script as a program, without a process for it, and returns its output."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(EXAMPLES / name, run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run


def test_training_in_python(tmp_path, run_example):
    write_corpus("reverse", tmp_path, train=50, dev=5, test=5)
    lines = run_example("train_in_python.py", tmp_path, "--epochs=1", "--steps_per_epoch=2")
    assert lines[-1].startswith("['")


# Keras warns because `fit` leaves the order of a dataset to it.
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
def test_english_to_spanish(tmp_path, run_example):
    words = {"the": "el", "dog": "perro", "cat": "gato", "sleeps": "duerme", "eats": "come"}
    lines = [
        f"The {noun} {verb}{mark}\tEl {words[noun]} {words[verb]}{mark}\tlicense\n"
        for noun in ("dog", "cat")
        for verb in ("sleeps", "eats")
        for mark in (".", "!", "?", "...")
    ]
    (tmp_path / "spa.txt").write_text("".join(lines), encoding="utf-8")
    lines = run_example(
        "english_to_spanish.py", tmp_path / "spa.txt", "--epochs=1", "--num_units=8"
    )
    translation, score = lines[-2:]
    assert re.match("the .* -> ", translation)
    assert re.fullmatch(r"BLEU \d+\.\d", score)


@pytest.mark.parametrize("pairs", ["600", pytest.param("6_000", marks=pytest.mark.slow)])
def test_the_notebook_converts_dates(pairs, tmp_path):
    nbformat, nbclient = (pytest.importorskip(name) for name in ("nbformat", "nbclient"))
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(EXAMPLES / "dates.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), (
        "expected no outputs in the file"
    )
    for cell in notebook.cells:
        cell.source = cell.source.replace("range(6_000)", f"range({pairs})")
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    (accuracy,) = (
        float(cell.outputs[0].data["text/plain"])
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.endswith("\naccuracy")
    )
    # A tenth of the pairs is not enough to learn from.
    assert accuracy >= (90 if pairs == "6_000" else 0)
    assert (tmp_path / "attention.png").exists()


def test_the_page_of_hyperparameters_is_up_to_date():
    script = ROOT / "docs" / "make_hyperparameters.py"
    done = subprocess.run([sys.executable, script], capture_output=True, check=True)
    assert done.stdout == (ROOT / "docs" / "hyperparameters.md").read_bytes()
