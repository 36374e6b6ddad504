import re
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


def test_training_in_python(tmp_path):
    write_corpus("reverse", tmp_path, train=50, dev=5, test=5)
    command = [sys.executable, EXAMPLES / "train_in_python.py", tmp_path]
    done = subprocess.run(
        [*command, "--epochs=1", "--steps_per_epoch=2"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("['")


def test_english_to_spanish(tmp_path):
    words = {"the": "el", "dog": "perro", "cat": "gato", "sleeps": "duerme", "eats": "come"}
    lines = [
        f"The {noun} {verb}{mark}\tEl {words[noun]} {words[verb]}{mark}\tlicense\n"
        for noun in ("dog", "cat")
        for verb in ("sleeps", "eats")
        for mark in (".", "!", "?", "...")
    ]
    (tmp_path / "spa.txt").write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, EXAMPLES / "english_to_spanish.py", tmp_path / "spa.txt"]
    done = subprocess.run([*command, "--epochs=1", "--num_units=8"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    translation, score = done.stdout.splitlines()[-2:]
    assert re.match("the .* -> ", translation)
    assert re.fullmatch(r"BLEU \d+\.\d", score)


def test_the_notebook_converts_dates(tmp_path):
    nbformat, nbclient = (pytest.importorskip(name) for name in ("nbformat", "nbclient"))
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(EXAMPLES / "dates.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), (
        "expected no outputs in the file"
    )
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    (accuracy,) = (
        float(cell.outputs[0].data["text/plain"])
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.endswith("\naccuracy")
    )
    assert accuracy > 90
    assert (tmp_path / "attention.png").exists()


def test_the_page_of_hyperparameters_is_up_to_date():
    script = ROOT / "docs" / "make_hyperparameters.py"
    done = subprocess.run([sys.executable, script], capture_output=True, check=True)
    assert done.stdout == (ROOT / "docs" / "hyperparameters.md").read_bytes()
