"""Inputs of models: their structure, checks of ids in arrays, and generation from them."""

import functools
import inspect
import json
import re
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq2seq.backend import can_change_shapes, compile_function, concrete
from keras_seq2seq.decoding import get_search
from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers.layer import has_shape, implicit_mask
from keras_seq2seq.special_tokens import END_ID, PADDING_ID


def as_features(inputs):
    """Returns inputs of a model as a dictionary.

    Args:
        inputs: `{"source_ids", "target_ids"}`, possibly with other entries, which are left out, or
            `[source_ids, target_ids]`.

    Raises:
        ValueError: If they are neither.
    """
    names = "source_ids", "target_ids"
    if isinstance(inputs, dict) and inputs.keys() >= set(names):
        # Keras would take other entries for these.
        return {name: inputs[name] for name in names}
    if isinstance(inputs, (list, tuple)) and len(inputs) == 2:
        return dict(zip(names, inputs, strict=True))
    received = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
    raise ValueError(
        "The inputs must be {'source_ids': ..., 'target_ids': ...} or [source_ids, target_ids]. "
        f"Received: {received}"
    )


def check_inputs(inputs, sizes):
    """Checks arrays in the inputs of a model, and ignores everything else.

    Args:
        inputs: `{"source_ids", "target_ids"}`, a list of both, or anything else.
        sizes: Dictionary from the names of the inputs to the sizes of their vocabularies.

    Raises:
        ValueError: If ids in an array are out of range or not padded on the right, if they are
            lists or a ragged tensor, or if the inputs are text.
    """
    if isinstance(inputs, (list, tuple)):
        inputs = dict(zip(sizes, inputs, strict=False))
    _check_no_text(inputs)
    if isinstance(inputs, dict):
        for name, size in sizes.items():
            if name in inputs:
                _check_is_array(inputs[name], name)
                check_range(inputs[name], name, size)
                check_right_padding(inputs[name], name)


def _check_is_array(ids, name):
    """Raises `ValueError` if ids are lists or a ragged tensor, which models do not accept."""
    if isinstance(ids, (list, tuple)) or hasattr(ids, "row_splits"):
        raise ValueError(
            f"`{name}` must be an array of ids, padded with {PADDING_ID} on the right, as by "
            "`keras.utils.pad_sequences(..., padding='post')`. Received: a "
            f"{type(ids).__name__}"
        )
    values = concrete(ids)
    if values is not None and values.ndim != 2:
        raise ValueError(
            f"`{name}` must be of shape (batch, length). Received: shape {values.shape}"
        )
    if values is not None and not values.shape[1]:
        raise ValueError(
            f"`{name}` must have a length of at least 1, that of the end token of an empty "
            f"sequence. Received: shape {values.shape}"
        )


def the_labels(labels, expected_shape=(None, None)):
    """Returns labels, possibly in a structure, if they have the expected shape.

    Args:
        labels: Integer tensor `(batch, target_length)`, or a list or dictionary of one.
        expected_shape: Tuple of integers, or `None` for an unknown size.

    Raises:
        ValueError: If the shape differs, or there are several labels.
    """
    items = keras.tree.flatten(labels)
    shape = tuple(items[0].shape) if len(items) == 1 else None
    if shape is None or not has_shape(shape, expected_shape):
        received = f"{len(items)} items" if shape is None else f"shape {shape}"
        raise ValueError(
            "The labels must be token ids of shape (batch, target_length), like `target_ids`, "
            f"{tuple(expected_shape)}. Received: {received}"
        )
    return items[0]


def without_ignored(labels, values):
    """Returns labels with padding where a function ignores the token, as with `ignore_class`.

    Args:
        labels: Integer tensor `(batch, time)`.
        values: What a loss or a metric computed, `(batch, time)`, `(batch,)` or a scalar.
    """
    mask = implicit_mask(values)
    if mask is None or len(mask.shape) != len(labels.shape):
        return labels
    return ops.where(mask, labels, PADDING_ID)


def check_range(ids, name, size):
    """Raises `ValueError` if ids have a value and are not from 0 to `size - 1`.

    Args:
        ids: Integers; anything else is ignored, as are tensors of a graph.
        name: String, the name of the ids for the error message.
        size: Integer, the size of the vocabulary.
    """
    values = concrete(ids)
    if values is None or values.dtype.kind not in "iu" or not values.size:
        return
    if not 0 <= values.min() <= values.max() < size:
        raise ValueError(
            f"`{name}` must be from 0 to {size - 1}. Received: ids from {values.min()} to "
            f"{values.max()}"
        )


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


def _check_is_aligned(labels, target_ids):
    """Raises `ValueError` if labels are padded on the left, and the inputs on the right.

    Args:
        labels: Integers `(batch, length)`. Zeros at the start may also hide some of the tokens.
        target_ids: Integers `(batch, length)`, padded on the right.
    """
    labels, target_ids = concrete(labels), concrete(target_ids)
    if labels is None or target_ids is None or not labels.shape[-1]:
        return
    is_padded = (labels[:, 0] == PADDING_ID) & (labels[:, -1] != PADDING_ID)
    wrong = np.flatnonzero(is_padded & (target_ids[:, -1] == PADDING_ID))
    if wrong.size:
        raise ValueError(
            f"The labels must be padded with {PADDING_ID} on the right, like `target_ids`. "
            f"Received: row {wrong[0]} with {PADDING_ID} at the start"
        )


@contextmanager
def _naming_ids_out_of_range():
    """Raises `ValueError` in place of the error of an embedding about an id in a dataset.

    Only the lookup itself sees the ids of a dataset. Its error lists all operations of the graph.
    """
    try:
        yield
    except Exception as error:
        side = re.search(r"(source|target)_embedding", str(error))
        found = re.search(r"= (-?\d+) is not in \[0, (\d+)\)", str(error))
        if not (side and found):
            raise
        received, size = map(int, found.groups())
        raise ValueError(
            f"`{side[1]}_ids` must be from 0 to {size - 1}. Received: {received}; does the model "
            f"have the vocabulary size of the {side[1]} tokenizer?"
        ) from None


def _checked(method: Callable) -> Callable[..., Any]:
    """Returns a method of `keras.Model` that first checks the inputs and the labels."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def check_and_run(self, x=None, *args, **kwargs):
        # A model that runs eagerly is called with each batch, and checks it then.
        if not self.run_eagerly:
            arguments = signature.bind_partial(self, x, *args, **kwargs).arguments
            check_inputs(x, self.input_sizes)
            if arguments.get("y") is not None:
                # The graph does not always know the shapes.
                target_ids = as_features(x)["target_ids"]
                labels = the_labels(arguments["y"], target_ids.shape)
                check_range(labels, "y", self.target_vocabulary_size)
                _check_is_aligned(labels, target_ids)
        # The next method of this name in the method resolution order.
        run = getattr(super(ChecksInputs, self), method.__name__)
        with _naming_ids_out_of_range():
            return run(x, *args, **kwargs)

    return check_and_run


class ChecksInputs(keras.Model):
    """A model whose methods check ids in arrays: their range and their padding."""

    @property
    def input_sizes(self):
        """The sizes of the vocabularies of the inputs, by their names."""
        return {
            "source_ids": self.source_vocabulary_size,
            "target_ids": self.target_vocabulary_size,
        }

    def __call__(self, inputs, *args, **kwargs):
        check_inputs(inputs, self.input_sizes)
        return super().__call__(inputs, *args, **kwargs)

    fit = _checked(keras.Model.fit)
    evaluate = _checked(keras.Model.evaluate)
    predict = _checked(keras.Model.predict)
    train_on_batch = _checked(keras.Model.train_on_batch)
    test_on_batch = _checked(keras.Model.test_on_batch)
    predict_on_batch = _checked(keras.Model.predict_on_batch)


# Number of searches whose graphs a model keeps: those used last.
MAX_COMPILED = 8


class Generation:
    """Decodes arrays of ids with a model. Each search is traced once, for all shapes of ids.

    Args:
        model: A `Seq2Seq` model or an `Ensemble`.
    """

    def __init__(self, model):
        self._model = model
        self._compiled = {}

    def __getstate__(self):
        # Compiled functions cannot be copied.
        return {**vars(self), "_compiled": {}}

    def __call__(self, source_ids, search, max_length, return_hypotheses):
        """Returns what `Seq2Seq.generate` returns."""
        source_ids = as_source_ids(source_ids, self._model.source_vocabulary_size)
        search = get_search(search)
        max_length = search.constraints.max_length if max_length is None else max_length
        max_length = check_integer("max_length", max_length)
        key = _key(search), return_hypotheses
        decode = self._compiled.pop(key, None)
        if decode is None:
            function = self._function(search, return_hypotheses)
            ranks = {"source_ids": 2, "max_length": 0}
            decode = compile_function(function, ranks)
        self._compiled[key] = decode  # the last one
        for oldest in list(self._compiled)[:-MAX_COMPILED]:
            self._compiled.pop(oldest, None)
        found = decode(source_ids, max_length)
        found = to_arrays(found)
        if not can_change_shapes():
            found = found.up_to_longest()
        if return_hypotheses:
            return found
        return found.ids[:, 0] if found.ids.shape[1] == 1 else found.ids

    def _function(self, search, return_hypotheses):
        def decode(source_ids, max_length):
            return decode_ids(
                self._model,
                source_ids,
                search,
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
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "iu":
        raise ValueError(
            "`source_ids` must be integers of shape (batch, length), both at least 1. Received: "
            f"{type(source_ids).__name__} of shape {values.shape} and dtype {values.dtype}"
        )
    check_range(values, "source_ids", vocabulary_size)
    check_right_padding(values, "source_ids")
    return values.astype("int32")


def decode_ids(model, source_ids, search, *, project_values=False, **options):
    """Encodes sources and searches for their translations.

    Args:
        model: A `Seq2Seq` model or an `Ensemble`.
        source_ids: Integer tensor `(batch, source_length)`.
        search: The `Search`.
        project_values: Boolean, see `Seq2Seq.encode`.
        **options: Arguments of the search.

    Returns:
        The `Hypotheses`.
    """
    # Models of other packages may lack the argument.
    encoding = {"project_values": True} if project_values else {}
    memory, states = model.encode(source_ids, **encoding)
    lengths = count_tokens(source_ids)
    return search(model.decode_step, states, memory, source_lengths=lengths, **options)


def to_arrays(found):
    """Returns `Hypotheses` of tensors as arrays."""
    return keras.tree.map_structure(
        lambda part: None if part is None else ops.convert_to_numpy(part), found
    )


def is_token(ids):
    """Returns which ids are neither padding nor end tokens, booleans."""
    return ops.logical_and(ops.not_equal(ids, PADDING_ID), ops.not_equal(ids, END_ID))


def count_tokens(source_ids):
    """Returns the number of tokens of each source `(batch,)`, not counting end tokens."""
    return ops.sum(ops.cast(is_token(source_ids), "int32"), axis=-1)


def _key(search):
    """Returns a value that is equal for searches that return the same."""
    try:
        return json.dumps(keras.saving.serialize_keras_object(search), sort_keys=True)
    except (TypeError, NotImplementedError):  # a search without a config
        return search
