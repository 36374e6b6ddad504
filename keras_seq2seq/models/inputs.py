"""Inputs of models: their structure, checks of ids in arrays, and generation from them."""

import functools
import json

import keras
import numpy as np
from keras import ops

from keras_seq2seq.backend import compile_function, concrete
from keras_seq2seq.decoding import get_search
from keras_seq2seq.layers.layer import check_size
from keras_seq2seq.special_tokens import END_ID, PADDING_ID


def as_features(inputs):
    """Returns inputs of a model as a dictionary.

    Args:
        inputs: `{"source_ids", "target_ids"}` or `[source_ids, target_ids]`.

    Raises:
        ValueError: If they are neither.
    """
    if isinstance(inputs, dict) and {"source_ids", "target_ids"} <= inputs.keys():
        return inputs
    if isinstance(inputs, (list, tuple)) and len(inputs) == 2:
        return dict(zip(("source_ids", "target_ids"), inputs, strict=True))
    received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
    raise ValueError(
        "The inputs must be {'source_ids': ..., 'target_ids': ...} or [source_ids, target_ids]. "
        f"Received: {received}"
    )


def check_inputs(inputs):
    """Checks arrays in the inputs of a model, and ignores everything else.

    Args:
        inputs: `{"source_ids", "target_ids"}`, a list of both, or anything else.

    Raises:
        ValueError: If ids in an array are not padded on the right, or if the inputs are text.
    """
    if isinstance(inputs, (list, tuple)):
        inputs = dict(zip(("source_ids", "target_ids"), inputs, strict=False))
    _check_no_text(inputs)
    if isinstance(inputs, dict):
        for name, ids in inputs.items():
            check_right_padding(ids, name)


def _check_no_text(inputs):
    """Raises `ValueError` if inputs, or the first of several, are text."""
    while isinstance(inputs, (dict, list, tuple)) and inputs:
        inputs = next(iter(inputs.values() if isinstance(inputs, dict) else inputs))
    kind = getattr(getattr(inputs, "dtype", None), "kind", None)
    if isinstance(inputs, str) or kind in ("U", "T"):
        raise ValueError(
            "The model reads ids, not text. Use `fit(make_dataset(sources, targets, "
            "source_tokenizer, target_tokenizer))`. Received: text"
        )


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


def _checked(method):
    """Returns a method of `keras.Model` that first checks the inputs, its first argument."""

    @functools.wraps(method)
    def check_and_run(self, x=None, *args, **kwargs):
        # A model that runs eagerly is called with each batch, and checks it then.
        if not self.run_eagerly:
            check_inputs(x)
        # The next method of this name in the method resolution order.
        return getattr(super(ChecksInputs, self), method.__name__)(x, *args, **kwargs)

    return check_and_run


class ChecksInputs(keras.Model):
    """A model whose methods check that ids in arrays are padded on the right."""

    def __call__(self, inputs, *args, **kwargs):
        check_inputs(inputs)
        return super().__call__(inputs, *args, **kwargs)

    fit = _checked(keras.Model.fit)
    evaluate = _checked(keras.Model.evaluate)
    predict = _checked(keras.Model.predict)
    train_on_batch = _checked(keras.Model.train_on_batch)
    test_on_batch = _checked(keras.Model.test_on_batch)
    predict_on_batch = _checked(keras.Model.predict_on_batch)


class Generation:
    """Decodes arrays of ids with a model. Each search is traced once, for all shapes of ids.

    Args:
        model: A `Seq2Seq` model or an `Ensemble`.
    """

    def __init__(self, model):
        self._model = model
        self._compiled = {}

    def __call__(self, source_ids, search, max_length, return_hypotheses):
        """Returns what `Seq2Seq.generate` returns."""
        source_ids = as_source_ids(source_ids, self._model.source_vocabulary_size)
        search = get_search(search)
        max_length = search.constraints.max_length if max_length is None else max_length
        check_size("max_length", max_length)
        key = _key(search), return_hypotheses
        if key not in self._compiled:
            function = self._function(search, return_hypotheses)
            ranks = {"source_ids": 2, "max_length": 0}
            self._compiled[key] = compile_function(function, ranks)
        found = self._compiled[key](source_ids, int(max_length))
        found = keras.tree.map_structure(
            lambda part: None if part is None else ops.convert_to_numpy(part), found
        )
        if return_hypotheses:
            return found
        return found.ids[:, 0] if found.ids.shape[1] == 1 else found.ids

    def _function(self, search, return_hypotheses):
        def decode(source_ids, max_length):
            memory, states = self._model.encode(source_ids)
            return search(
                self._model.decode_step,
                states,
                memory,
                source_lengths=count_tokens(source_ids),
                max_length=max_length,
                # Beam search needs scores anyway; greedy search is faster without.
                return_scores=return_hypotheses,
                return_attention_scores=return_hypotheses and self._model.has_attention,
            )

        return decode


def as_source_ids(source_ids, vocabulary_size):
    """Returns ids as an array of 32-bit integers, `(batch, source_length)`.

    Args:
        source_ids: Array, tensor or nested list of integers.
        vocabulary_size: Integer. All ids must be below.

    Raises:
        ValueError: If they have another shape or type, are out of range or not padded on the right.
    """
    try:
        is_array = hasattr(source_ids, "dtype")
        values = np.asarray(ops.convert_to_numpy(source_ids) if is_array else source_ids)
    except ValueError:  # lists of different lengths
        values = np.asarray(None)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise ValueError(
            "`source_ids` must be integers of shape (batch, length). Received: "
            f"{type(source_ids).__name__} of shape {values.shape} and dtype {values.dtype}"
        )
    if values.size and not 0 <= values.min() <= values.max() < vocabulary_size:
        raise ValueError(
            f"`source_ids` must be from 0 to {vocabulary_size - 1}. Received: ids from "
            f"{values.min()} to {values.max()}"
        )
    check_right_padding(values, "source_ids")
    return values.astype("int32")


def count_tokens(source_ids):
    """Returns the number of tokens of each source `(batch,)`, not counting end tokens."""
    is_token = ops.logical_and(source_ids != PADDING_ID, source_ids != END_ID)
    return ops.sum(ops.cast(is_token, "int32"), axis=-1)


def _key(search):
    """Returns a value that is equal for searches that return the same."""
    try:
        return json.dumps(keras.saving.serialize_keras_object(search), sort_keys=True)
    except (TypeError, NotImplementedError):  # a search without a config
        return search
