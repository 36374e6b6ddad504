"""The file of a trained model: its config and its weights, without its optimizer."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from keras_seq2seq.errors import UserError
from keras_seq2seq.models.seq2seq import Seq2Seq


def write_model(model: Seq2Seq, path: Path):
    """Writes a model and its weights, without its optimizer.

    Args:
        model: The model.
        path: The file, whose name ends with `.keras`.
    """
    with _without_optimizer(model):
        model.save(path)


def read_model(path: Path, dtype: str | None = None) -> Seq2Seq:
    """Reads a model that `write_model` has written.

    Args:
        path: The file.
        dtype: The dtype of its weights and computations, such as `"bfloat16"`. Defaults to that of
            the saved model.

    Raises:
        UserError: If the file is damaged.
    """
    try:
        _check_archive(path)
        if dtype is None:
            return keras.models.load_model(path, compile=False)
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
        model = keras.saving.deserialize_keras_object(_with_dtype(config, dtype))
        model.load_weights(path)
        return model
    except Exception as error:
        # Damaged content is parsed by zipfile, json, h5py and Keras, which raise errors of any
        # type, `RecursionError` and `AttributeError` included.
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise UserError(f"{path}: cannot be loaded ({reason})") from error


@contextmanager
def _without_optimizer(model: Seq2Seq) -> Iterator[None]:
    """Makes a model an uncompiled one within the block.

    Keras saves the optimizer of a compiled model, which for Adam is twice as large as the weights.
    """
    optimizer, compiled = getattr(model, "optimizer", None), model.compiled
    model.optimizer, model.compiled = None, False
    try:
        yield
    finally:
        model.optimizer, model.compiled = optimizer, compiled


def _check_archive(path: Path):
    """Checks the checksums of a model file, which Keras does not always read to the end.

    Raises:
        ValueError: If the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size != member.compress_size:
                raise ValueError(f"{member.filename} is compressed; expected a file from training")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} is damaged")


def _with_dtype(config: Any, dtype: str) -> Any:
    """Returns the config of a model with another dtype in all its layers, initialized with zeros.

    Not all of Keras's initializers work in bfloat16. The weights are loaded anyway.
    """
    if isinstance(config, dict):
        if config.get("module") == "keras.initializers":
            return keras.saving.serialize_keras_object(keras.initializers.Zeros())
        return {
            name: dtype if name == "dtype" else _with_dtype(value, dtype)
            for name, value in config.items()
        }
    return [_with_dtype(value, dtype) for value in config] if isinstance(config, list) else config
