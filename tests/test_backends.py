"""Other backends of Keras: files are exchanged with TensorFlow, which need not be installed."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from harness import numbers_of
from harness.toy_model import SOURCE_TOKENS, SOURCES, TARGET_TOKENS, make_toy_model

from keras_seq2seq import (
    FusedAdam,
    GreedySearch,
    MaskedCrossEntropy,
    Scorer,
    Translator,
    Vocabulary,
)

IDS = {
    "source_ids": np.array([[4, 5, 6, 3], [7, 3, 0, 0]]),
    "target_ids": np.array([[2, 4, 5], [2, 7, 0]]),
}

BACKENDS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"needs {name}"),
    )
    for name in ("jax", "torch")
]

PROGRAM = f"""
import json, sys
sys.modules["tensorflow"] = None  # An import of it would fail.
import keras
import numpy as np
from keras_seq2seq import GreedySearch, Scorer, Translator, Vocabulary

assert keras.config.backend() == sys.argv[1]
model = keras.models.load_model("saved.keras")
ids = {{name: np.array(value) for name, value in json.loads(sys.argv[2]).items()}}
vocabularies = Vocabulary({SOURCE_TOKENS}), Vocabulary({TARGET_TOKENS})
translator = Translator(model, *vocabularies, search=GreedySearch(max_length=4))
(score,) = Scorer(model, *vocabularies)(["ein mann"], ["a man"])
generated = model.generate(ids["source_ids"], max_length=9).tolist()
loss = model.train_on_batch(ids, np.array([[4, 5, 3], [7, 3, 0]]))
result = {{
    "translations": [found.text for found in translator.translate({SOURCES[:2]})],
    "log_probabilities": score.token_log_probabilities,
    "logits": keras.ops.convert_to_numpy(model(ids)).tolist(),
    "loss": float(np.ravel(loss)[0]),
    "generated": generated,
}}
model.save("trained.keras")
print(json.dumps(result))
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_files_are_exchanged_with_other_backends(backend, tmp_path):
    model = make_toy_model()
    model.compile(FusedAdam(0.01), loss=MaskedCrossEntropy())
    model.save(tmp_path / "saved.keras")
    vocabularies = Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS)
    translator = Translator(model, *vocabularies, search=GreedySearch(max_length=4))
    ids = json.dumps({name: value.tolist() for name, value in IDS.items()})
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, backend, ids],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["translations"] == translator(SOURCES[:2])
    assert result["generated"] == model.generate(IDS["source_ids"], max_length=9).tolist()
    (score,) = Scorer(model, *vocabularies)(["ein mann"], ["a man"])
    expected = score.token_log_probabilities
    np.testing.assert_allclose(result["log_probabilities"], expected, atol=1e-4)
    loss = model.train_on_batch(IDS, np.array([[4, 5, 3], [7, 3, 0]]))
    np.testing.assert_allclose(result["loss"], np.ravel(loss)[0], rtol=1e-4)
    # After one step of the optimizer on either backend.
    trained = keras.models.load_model(tmp_path / "trained.keras")
    np.testing.assert_allclose(result["logits"], numbers_of(model(IDS)), atol=1e-3)
    np.testing.assert_allclose(numbers_of(trained(IDS)), numbers_of(model(IDS)), atol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_whole_package_can_be_imported_before_a_model_is_loaded(backend, tmp_path):
    """The optimizer is then that of this backend, although parts of the package need TensorFlow."""
    model = make_toy_model()
    model.compile(FusedAdam(0.01))
    model.save(tmp_path / "saved.keras")
    program = "import keras; from keras_seq2seq import *; import keras_seq2seq.callbacks as c; "
    program += "c.TensorBoardCurves; model = keras.models.load_model('saved.keras'); "
    program += "print(type(model.optimizer).__module__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "keras_seq2seq.backend.portable"


@pytest.mark.parametrize(
    "command", ["average --model_dir m --output_dir n", "translate --model_dir m", "demo"]
)
def test_the_command_line_says_that_it_needs_tensorflow(command):
    program = (
        "import sys; sys.modules['tensorflow'] = None; "
        "from keras_seq2seq.cli.main import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith("error: the command line needs TensorFlow: pip install tensorflow")
