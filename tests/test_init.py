import subprocess
import sys
from importlib.metadata import version

import pytest

import keras_seq2seq


@pytest.mark.parametrize("name", keras_seq2seq.__all__)
def test_every_export_can_be_imported(name):
    assert getattr(keras_seq2seq, name) is not None
    assert name in dir(keras_seq2seq)


def test_the_version_is_that_of_the_installed_package():
    assert keras_seq2seq.__version__ == version("keras-seq2seq")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Transformer'"):
        keras_seq2seq.Transformer  # noqa: B018


@pytest.mark.parametrize(
    ("name", "new_name"),
    [
        ("evaluate", "evaluation.evaluate"),
        ("plan_training", "training.plan_training"),
        ("prepare", "training.plan_training"),
        ("train", "training.train"),
    ],
)
def test_names_that_moved_warn(name, new_name):
    package, _, function = new_name.partition(".")
    expected = getattr(getattr(keras_seq2seq, package), function)
    with pytest.warns(DeprecationWarning, match=f"{name} is deprecated; use .*{new_name}"):
        assert getattr(keras_seq2seq, name) is expected
    assert name not in keras_seq2seq.__all__


@pytest.mark.parametrize("name", ["__version__", "Vocabulary", "Config"])
def test_what_needs_no_tensorflow_does_not_import_it(name):
    program = f"import sys; from keras_seq2seq import {name}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
