"""`generate` on arrays of ids."""

import keras
import numpy as np
import pytest
from harness import numbers_of

from keras_seq2seq import AttentionSeq2Seq, BeamSearch, Ensemble, GreedySearch
from keras_seq2seq.decoding import SamplingSearch, get_search
from keras_seq2seq.models.inputs import MAX_COMPILED

SOURCE_IDS = np.array([[5, 6, 7, 3], [8, 9, 3, 0]])


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return AttentionSeq2Seq(10, 10, num_units=8)


@pytest.mark.parametrize("search", [GreedySearch(), BeamSearch(3, length_penalty=0.5)])
def test_agrees_with_the_search(model, search):
    memory, states = model.encode(SOURCE_IDS)
    expected = numbers_of(search(model.decode_step, states, memory, max_length=7).ids)
    np.testing.assert_array_equal(model.generate(SOURCE_IDS, search, 7), expected[:, 0])
    np.testing.assert_array_equal(
        model.generate(SOURCE_IDS.tolist(), search, max_length=7), expected[:, 0]
    )


@pytest.mark.parametrize(
    "search",
    [
        BeamSearch(2, coverage_penalty=0.2, no_repeat_ngram_size=2, min_length=2),
        SamplingSearch(top_k=3, seed=1),
    ],
)
def test_decodes_with_any_floatx(search):
    before = keras.config.floatx()
    keras.config.set_floatx("bfloat16")
    try:
        model = AttentionSeq2Seq(10, 10, num_units=8)
        assert model.generate(SOURCE_IDS, search, max_length=4).dtype == "int32"
    finally:
        keras.config.set_floatx(before)


def test_returns_several_hypotheses_with_their_scores(model):
    ids = model.generate(SOURCE_IDS, BeamSearch(3, n_best=2), max_length=5)
    assert ids.shape[:2] == (2, 2)
    found = model.generate(SOURCE_IDS, BeamSearch(3, n_best=2), 5, return_hypotheses=True)
    np.testing.assert_array_equal(found.ids, ids)
    assert (np.diff(found.scores) <= 0).all()
    assert found.attention_scores.shape[-1] == 4


def test_names_and_configs_stand_for_searches(model):
    expected = model.generate(SOURCE_IDS, GreedySearch(), 6)
    np.testing.assert_array_equal(model.generate(SOURCE_IDS, max_length=6), expected)
    config = keras.saving.serialize_keras_object(GreedySearch())
    np.testing.assert_array_equal(model.generate(SOURCE_IDS, config, 6), expected)
    assert type(get_search("sampling")) is SamplingSearch


@pytest.mark.parametrize(
    "search",
    [
        GreedySearch(max_length=7, banned_ids=[5]),
        BeamSearch(4, length_penalty=0.5, n_best=2, min_length=3),
        SamplingSearch(n_best=2, top_k=3, seed=4, no_repeat_ngram_size=2),
    ],
)
def test_searches_survive_their_config(search):
    again = get_search(keras.saving.serialize_keras_object(search))
    assert type(again) is type(search)
    assert again.get_config() == search.get_config()


def test_is_traced_once_per_search(model, monkeypatch):
    calls = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda ids: (calls.append(1), encode(ids))[1])
    for length in (2, 3, 4):
        model.generate(SOURCE_IDS[:, :length], BeamSearch(2, min_length=2), max_length=length)
    assert len(calls) <= 2  # TensorFlow may trace the function a second time.


def test_only_the_searches_used_last_stay_traced(model):
    for seed in range(MAX_COMPILED + 2):
        for search in (GreedySearch(), SamplingSearch(seed=seed)):
            model.generate(SOURCE_IDS, search, max_length=2)
    keys = [key for key, _ in model._generation._compiled]
    assert len(keys) == MAX_COMPILED
    assert "GreedySearch" in keys[-2] and f'"seed": {seed}' in keys[-1]
    assert not any('"seed": 0' in key for key in keys)


def test_an_ensemble_of_equal_models_is_that_model(model):
    expected = model.generate(SOURCE_IDS, "beam", 6)
    np.testing.assert_array_equal(
        Ensemble([model, model]).generate(SOURCE_IDS, "beam", 6), expected
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([5, 6],), r"integers of shape \(batch, length\)"),
        ((np.zeros((0, 3), "int32"),), "both at least 1. Received: .* of shape \\(0, 3\\)"),
        ((np.zeros((3, 0), "int32"),), "both at least 1. Received: .* of shape \\(3, 0\\)"),
        (([[5], [5, 6]],), r"integers of shape \(batch, length\)"),
        (([[0.5]],), r"integers of shape \(batch, length\)"),
        (([[5, 60]],), "from 0 to 9. Received: ids from 5 to 60"),
        ((SOURCE_IDS, "bem"), "did you mean 'beam'"),
        ((SOURCE_IDS, "beam", 0), "`max_length` must be an integer of at least 1"),
        ((SOURCE_IDS, "beam", 2.5), "`max_length` must be an integer of at least 1"),
    ],
)
def test_invalid_arguments_are_errors(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.generate(*arguments)


def test_a_state_of_another_decoder_is_an_error_with_both_sizes(model):
    memory, _ = model.encode(SOURCE_IDS)
    with pytest.raises(ValueError, match=r"\(8, 8\).*Received: sizes \[\[5\]\]"):
        model.decoder.initial_states([[np.zeros((2, 5), "float32")]], memory)
