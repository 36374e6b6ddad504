"""Checks of arrays of ids, made outside the graph: inside, they cost nothing."""

import keras
import numpy as np
from keras import ops

from keras_seq2seq.backend import concrete
from keras_seq2seq.special_tokens import PADDING_ID


class ChecksArrays(keras.Model):
    """A model whose methods check that ids in arrays are padded on the right."""

    def __call__(self, inputs, *args, **kwargs):
        check_inputs(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def fit(self, x=None, *args, **kwargs):
        check_inputs(x)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        check_inputs(x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x=None, *args, **kwargs):
        check_inputs(x)
        return super().predict(x, *args, **kwargs)

    def train_on_batch(self, x, *args, **kwargs):
        check_inputs(x)
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x, *args, **kwargs):
        check_inputs(x)
        return super().test_on_batch(x, *args, **kwargs)

    def predict_on_batch(self, x):
        check_inputs(x)
        return super().predict_on_batch(x)


def check_inputs(inputs):
    """Checks arrays in the inputs of a model, and ignores everything else.

    Args:
        inputs: `{"source_ids", "target_ids"}`, a list of both, or anything else.

    Raises:
        ValueError: If ids in an array are not padded on the right.
    """
    if isinstance(inputs, (list, tuple)):
        inputs = dict(zip(("source_ids", "target_ids"), inputs, strict=False))
    if isinstance(inputs, dict):
        for name, ids in inputs.items():
            check_right_padding(ids, name)


def check_right_padding(ids, name):
    """Raises `ValueError` if ids have a value and are not padded on the right.

    Args:
        ids: Integers `(batch, length)`; anything else is ignored, as are tensors of a graph.
        name: String, the name of the ids for the error message.
    """
    values = concrete(ids)
    if values is None or values.ndim != 2 or values.dtype.kind not in "iu":
        return
    is_padding = values == PADDING_ID
    wrong = np.flatnonzero((is_padding[:, :-1] & ~is_padding[:, 1:]).any(axis=1))
    if wrong.size:
        raise ValueError(
            f"`{name}` must be padded with {PADDING_ID} on the right, as by "
            f"`keras.utils.pad_sequences(..., padding='post')`. Received: row {wrong[0]} with "
            f"{PADDING_ID} before other ids"
        )


def check_ids(ids, name, vocabulary_size):
    """Returns ids as an array `(batch, length)`.

    Args:
        ids: Array, tensor or nested list of integers.
        name: String, the name of the ids for error messages.
        vocabulary_size: Integer. All ids must be below.

    Raises:
        ValueError: If the ids have another shape or type, or are out of range.
    """
    try:
        values = np.asarray(ops.convert_to_numpy(ids) if hasattr(ids, "dtype") else ids)
    except ValueError:  # lists of different lengths
        values = np.asarray(None)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers of shape (batch, length). Received: "
            f"{type(ids).__name__} of shape {values.shape} and dtype {values.dtype}"
        )
    if values.size and not 0 <= values.min() <= values.max() < vocabulary_size:
        raise ValueError(
            f"`{name}` must be from 0 to {vocabulary_size - 1}. Received: ids from "
            f"{values.min()} to {values.max()}"
        )
    return values
