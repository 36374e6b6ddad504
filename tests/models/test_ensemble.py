import pickle
from copy import deepcopy

import keras
import numpy as np
import pytest
from harness import numbers_of, padded_ids, randomize

from keras_seq2seq.backend import compile_function, frozen_weights
from keras_seq2seq.decoding import BeamSearch, GreedySearch
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, Ensemble

LENGTHS = [4, 1, 5]
SOURCE_IDS = padded_ids(LENGTHS, 11, seed=1)


def models():
    return [
        randomize(AttentionSeq2Seq(11, 9, num_units=4, cell="GRUCell"), 84),
        randomize(BasicSeq2Seq(11, 9, num_units=3), 15),
        randomize(AttentionSeq2Seq(11, 9, num_units=5, num_layers=2), 78),
    ]


def log_softmax(logits):
    logits = np.asarray(logits, "float64")
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def mean_log_probability(parts, source_ids, target_ids):
    """Of all positions, by the functional models."""
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    return np.mean([log_softmax(model(inputs)) for model in parts], axis=0)


def test_a_step_gives_the_mean_of_the_log_probabilities():
    parts = models()
    ensemble = Ensemble(parts)
    target_ids = np.array([[2, 5, 6], [2, 7, 8], [2, 4, 5]])
    expected = mean_log_probability(parts, SOURCE_IDS, target_ids)
    memory, states = ensemble.encode(SOURCE_IDS)
    for time in range(3):
        values, weights, states = ensemble.decode_step(target_ids[:, time], states, memory)
        np.testing.assert_allclose(numbers_of(values), expected[:, time], atol=1e-5)
        assert weights.shape == SOURCE_IDS.shape
    inputs = {"source_ids": SOURCE_IDS, "target_ids": target_ids}
    np.testing.assert_allclose(numbers_of(ensemble(inputs)), expected, atol=1e-5)


def test_the_attention_is_the_mean_over_those_that_have_any():
    parts = models()
    steps = []
    for model in (parts[0], parts[2]):
        memory, states = model.encode(SOURCE_IDS)
        steps.append(numbers_of(model.decode_step(np.array([2, 2, 2]), states, memory)[1]))
    memory, states = Ensemble(parts).encode(SOURCE_IDS)
    _, weights, _ = Ensemble(parts).decode_step(np.array([2, 2, 2]), states, memory)
    np.testing.assert_allclose(numbers_of(weights), (steps[0] + steps[1]) / 2, atol=1e-6)
    assert Ensemble(parts).has_attention
    assert not Ensemble([parts[1]]).has_attention
    memory, states = Ensemble([parts[1]]).encode(SOURCE_IDS)
    assert Ensemble([parts[1]]).decode_step(np.array([2, 2, 2]), states, memory)[1] is None


@pytest.mark.parametrize("search", [GreedySearch(max_length=8), BeamSearch(1, max_length=8)])
def test_searches_follow_the_normalised_mean(search):
    """Greedy decoding in NumPy: at each step the likeliest token by all models together."""
    parts = models()
    ensemble = Ensemble(parts)
    memory, states = ensemble.encode(SOURCE_IDS)
    found = search(ensemble.decode_step, states, memory, return_attention_scores=True)
    lengths = set()
    for row, length in enumerate(LENGTHS):
        target, score = [2], 0.0
        while target[-1] != 3 and len(target) <= 8:
            mean = mean_log_probability(parts, SOURCE_IDS[[row], :length], np.array([target]))[
                0, -1
            ]
            mean = log_softmax(mean)
            allowed = [token for token in range(9) if token not in (0, 2)]
            token = 3 if len(target) == 8 else max(allowed, key=mean.__getitem__)
            score += mean[token]
            target.append(token)
        ids = numbers_of(found.ids)[row, 0]
        assert ids[ids > 0].tolist() == target[1:]
        np.testing.assert_allclose(numbers_of(found.scores)[row, 0], score, atol=1e-4)
        lengths.add(len(target))
    assert len(lengths) == 3


def test_several_copies_of_a_model_are_that_model():
    model = models()[0]
    search = BeamSearch(3, n_best=2, length_penalty=0.6, max_length=8)
    results = []
    for part in (model, Ensemble([model, model])):
        memory, states = part.encode(SOURCE_IDS)
        results.append(search(part.decode_step, states, memory))
    np.testing.assert_array_equal(numbers_of(results[0].ids), numbers_of(results[1].ids))
    np.testing.assert_allclose(
        numbers_of(results[0].scores), numbers_of(results[1].scores), atol=1e-5
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has constants")
def test_can_be_copied_and_pickled_after_use():
    ensemble = Ensemble(models()[:2])
    expected = ensemble.generate(SOURCE_IDS)
    for copy in (deepcopy(ensemble), pickle.loads(pickle.dumps(ensemble))):
        np.testing.assert_array_equal(copy.generate(SOURCE_IDS), expected)


def test_logits_may_be_padded_in_some_of_the_models_only(monkeypatch):
    """The kernel of the last model does not fit into what a graph may hold."""
    from keras_seq2seq.backend.tensorflow import tracing

    size = 1025
    parts = [BasicSeq2Seq(11, size, num_units=4, dtype="bfloat16") for _ in range(2)]
    columns = []

    def decode():
        with frozen_weights():
            memory, states = Ensemble(parts).encode(SOURCE_IDS)
            for model, *inputs in zip(parts, states, memory, strict=True):
                columns.append(model.decode_step(np.array([2, 2, 2]), *inputs)[0].shape[-1])
        with frozen_weights():
            memory, states = Ensemble(parts).encode(SOURCE_IDS)
            return Ensemble(parts).decode_step(np.array([2, 2, 2]), states, memory)[0]

    expected = numbers_of(compile_function(decode, {})())[:, :size]
    monkeypatch.setattr(tracing, "MAX_BYTES", 20_000)
    found = numbers_of(compile_function(decode, {})())
    assert columns[0] == columns[1] == columns[2] > columns[3] == size
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_the_models_must_match():
    with pytest.raises(ValueError, match=r"same vocabularies. Received .* \(11, 9\), \(11, 10\)"):
        Ensemble([AttentionSeq2Seq(11, 9, num_units=2), AttentionSeq2Seq(11, 10, num_units=2)])
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])
