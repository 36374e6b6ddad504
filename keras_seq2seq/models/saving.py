"""The file of a trained model: its config and its weights, without its optimizer."""

import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import open_regular_file
from keras_seq2seq.models.ensemble import Ensemble
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
    config = None
    try:
        config = _check_archive(path)
        with warnings.catch_warnings():
            # Keras only warns of layers whose weights are missing.
            warnings.filterwarnings("error", "Skipping ", UserWarning)
            if dtype is None:
                model = keras.models.load_model(path, compile=False)
            else:
                model = keras.saving.deserialize_keras_object(_with_dtype(config, dtype))
                model.load_weights(path)
        if not isinstance(model, Seq2Seq):
            raise TypeError(f"contains a {type(model).__name__}, not a model of this package")
        return model
    except UserError:
        raise
    except Exception as error:
        # Damaged content is parsed by zipfile, json, h5py and Keras, which raise errors of any
        # type, `RecursionError` and `AttributeError` included.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        if unknown := next(_unknown_classes(config), None):
            raise UserError(
                f"{path}: contains objects of the class {unknown}, which is not registered; load "
                "the model in a Python program that imports the module that defines it"
            ) from error
        raise UserError(f"{path}: cannot be loaded ({reason}); restore the file") from error


def _unknown_classes(config: Any) -> Iterator[str]:
    """Yields the registered names of custom classes in a config that this process does not know."""
    if isinstance(config, dict):
        name = config.get("registered_name")
        if (
            isinstance(name, str)
            and ">" in name
            and keras.saving.get_registered_object(name) is None
        ):
            yield name
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _unknown_classes(value)


def is_in_float32(model: Seq2Seq | Ensemble) -> bool:
    """Returns whether all layers of a model compute in float32."""
    if isinstance(model, Ensemble):
        return all(map(is_in_float32, model.models))
    return all(layer.compute_dtype in ("float32", None) for layer in model._flatten_layers())


def to_float32(model: Seq2Seq | Ensemble) -> Seq2Seq | Ensemble:
    """Returns a copy of a model that computes in float32, or the model if it already does."""
    if is_in_float32(model):
        return model
    if isinstance(model, Ensemble):
        return Ensemble(list(map(to_float32, model.models)))
    copy = type(model).from_config(_with_dtype(model.get_config(), "float32"))
    for new, old in zip(copy.weights, model.weights, strict=True):
        new.assign(keras.ops.cast(old, new.dtype))
    return copy


def is_intact(path: Path) -> bool:
    """Returns whether a file of `write_model` is undamaged, without loading the model.

    Args:
        path: The file.

    Raises:
        UserError: If it cannot be opened.
    """
    try:
        _check_archive(path)
    except UserError:
        raise
    except Exception:
        return False
    return True


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


# Keras writes three members, and further ones for the assets of custom layers.
_MAX_MEMBERS = 1_000
_MAX_LAYERS = 1_000
# A config has a few kilobytes.
_MAX_CONFIG_BYTES = 2**22
_WEIGHTS = "model.weights.h5"


def _check_archive(path: Path) -> dict[str, Any]:
    """Checks a model file: its checksums, and that loading needs little more memory than its size.

    Keras does not always read the file to the end.

    Returns:
        The config of the model.

    Raises:
        UserError: If there is no such file, or it is not a regular file.
        ValueError: If the file is damaged.
    """
    with open_regular_file(path) as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise ValueError(f"contains {len(members):,} files; expected a file from training")
        for member in members:
            if member.file_size != member.compress_size:
                raise ValueError(f"{member.filename} is compressed; expected a file from training")
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} is damaged")
        if archive.getinfo("config.json").file_size > _MAX_CONFIG_BYTES:
            raise ValueError(f"config.json is larger than {_MAX_CONFIG_BYTES} bytes")
        config = json.loads(archive.read("config.json"))
        content = archive.read(_WEIGHTS)
    _check_sizes(config, len(content))
    with h5py.File(io.BytesIO(content)) as file:
        weights = []
        file.visititems(lambda _, item: weights.append(item))
        weights = [item for item in weights if isinstance(item, h5py.Dataset)]
        if sum(weight.nbytes for weight in weights) > len(content):
            raise ValueError(f"{_WEIGHTS} is compressed; expected a file from training")
        for weight in weights:
            if weight.dtype.kind == "f" and not np.isfinite(weight[...]).all():
                raise ValueError(f"{weight.name} contains NaN or infinity")
    return config


def _check_sizes(config: Any, num_bytes: int):
    """Checks that the largest matrices of this package's layers can be in a file of this size.

    Otherwise, a config with absurd numbers would take all memory before its weights are read.

    Args:
        config: The config of a model, or a part of it.
        num_bytes: The size of the weights.

    Raises:
        ValueError: If not.
    """
    if isinstance(config, list):
        for value in config:
            _check_sizes(value, num_bytes)
    if not isinstance(config, dict):
        return
    options, name = config.get("config"), str(config.get("registered_name"))
    if isinstance(options, dict) and name.startswith("keras_seq2seq>"):
        sizes = {key: value for key, value in options.items() if type(value) is int}
        units, dim = sizes.get("num_units", 0), sizes.get("embedding_dim", 0)
        vocabulary = max(sizes.get(f"{side}_vocabulary_size", 0) for side in ("source", "target"))
        # The recurrent kernel of a cell has at least as many weights.
        units = units**2 if name.endswith("Cell") else units
        if max(units, vocabulary, vocabulary * dim) > num_bytes:
            raise ValueError("config.json describes a larger model than that of the weights")
        if sizes.get("num_layers", 0) > _MAX_LAYERS:
            raise ValueError(f"config.json describes more than {_MAX_LAYERS:,} layers")
    for value in config.values():
        _check_sizes(value, num_bytes)


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
