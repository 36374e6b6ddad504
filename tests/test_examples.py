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


def test_the_page_of_hyperparameters_is_up_to_date():
    script = ROOT / "docs" / "make_hyperparameters.py"
    done = subprocess.run([sys.executable, script], capture_output=True, check=True)
    assert done.stdout == (ROOT / "docs" / "hyperparameters.md").read_bytes()
