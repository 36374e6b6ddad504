"""Decoding of arrays of ids with a model."""

import json

import keras
from keras import ops

from keras_seq2seq.backend import compile_function
from keras_seq2seq.decoding import get_search
from keras_seq2seq.layers.layer import check_size
from keras_seq2seq.models.array_checks import check_ids, check_right_padding
from keras_seq2seq.special_tokens import END_ID, PADDING_ID


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

    Raises:
        ValueError: If they have another shape or type, or if an id is out of range.
    """
    source_ids = check_ids(source_ids, "source_ids", vocabulary_size)
    check_right_padding(source_ids, "source_ids")
    return source_ids.astype("int32")


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
