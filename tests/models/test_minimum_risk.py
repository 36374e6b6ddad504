"""Minimum risk training: the sentence BLEU of ids, the risk, and training with it."""

import keras
import numpy as np
import pytest
import sacrebleu
from harness import numbers_of, padded_ids
from keras import ops

from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import AttentionSeq2Seq, MinimumRisk
from keras_seq2seq.models.minimum_risk import exact_match, sentence_bleu, shift_right
from keras_seq2seq.special_tokens import END_ID

RNG = np.random.default_rng(0)


def random_ids(rows, length, vocabulary_size=8):
    """Ids with repetitions, of all lengths, each ending with the end token."""
    ids = RNG.integers(4, vocabulary_size, (rows, length))
    for row, count in enumerate(RNG.integers(0, length, rows)):
        ids[row, count], ids[row, count + 1 :] = END_ID, 0
    return ids.astype("int32")


def as_text(ids):
    return " ".join(str(token) for token in ids if token not in (0, END_ID))


def test_sentence_bleu_agrees_with_sacrebleu():
    candidates, references = random_ids(300, 12), random_ids(300, 9)
    candidates[:50, :9], candidates[:50, 9:] = references[:50], 0
    found = numbers_of(sentence_bleu(candidates, references))
    for candidate, reference, score in zip(candidates, references, found, strict=True):
        expected = sacrebleu.sentence_bleu(
            as_text(candidate),
            [as_text(reference)],
            smooth_method="add-k",
            smooth_value=1,
            tokenize="none",
            use_effective_order=False,
        ).score
        if not as_text(reference) or not as_text(candidate):
            expected = 0.0
        assert score * 100 == pytest.approx(expected, abs=0.01)


def test_exact_match_compares_the_tokens():
    candidates = random_ids(40, 6, vocabulary_size=6)
    for references in (random_ids(40, 4, vocabulary_size=6), random_ids(40, 9, vocabulary_size=6)):
        references[:20] = 0
        for row, candidate in enumerate(candidates[:20]):
            # With and without an end token.
            tokens = [token for token in candidate if token not in (0, END_ID)][:4]
            references[row, : len(tokens)] = tokens
        expected = [
            as_text(candidate) == as_text(reference)
            for candidate, reference in zip(candidates, references, strict=True)
        ]
        assert 0 < sum(expected) < 40
        np.testing.assert_array_equal(numbers_of(exact_match(candidates, references)), expected)


def test_outputs_are_shifted_for_the_decoder():
    ids = ops.convert_to_tensor([[5, 6, END_ID, 0], [7, 8, 9, 7], [END_ID, 0, 0, 0]])
    np.testing.assert_array_equal(shift_right(ids), [[2, 5, 6, 0], [2, 7, 8, 9], [2, 0, 0, 0]])


@pytest.mark.parametrize(
    "arguments", [{"num_samples": 1}, {"weight": 0}, {"weight": 1.5}, {"metric": "ter"}]
)
def test_arguments_are_checked(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        MinimumRisk(**arguments)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return AttentionSeq2Seq(9, 9, num_units=16, cell="GRUCell")


@pytest.mark.parametrize("name, metric", [("bleu", sentence_bleu), ("exact_match", exact_match)])
def test_risk_is_the_expected_error_of_the_outputs_drawn(model, monkeypatch, name, metric):
    source, labels = padded_ids([4, 2], 9, seed=1), random_ids(2, 5, 9)
    drawn = random_ids(6, 7, 9)
    drawn[1] = 0
    drawn[1, :5] = labels[0]
    monkeypatch.setattr(MinimumRisk, "_draw", lambda *_, **__: ops.convert_to_tensor(drawn))
    risk = MinimumRisk(num_samples=3, metric=name)
    monkeypatch.setattr("keras_seq2seq.models.minimum_risk.split_into_micro_batches", lambda x: [x])
    # Scheduled sampling, which would replace all tokens, does not change the outputs.
    model.teacher_forcing = lambda step: 0.0
    found = float(risk(model, ops.convert_to_tensor(source), ops.convert_to_tensor(labels), None))
    model.teacher_forcing = None

    features = {
        "source_ids": source.repeat(3, axis=0),
        "target_ids": numbers_of(shift_right(drawn)),
    }
    logits = numbers_of(model(features)).astype("float64")
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = []
    for sentence in range(2):
        scores, errors = [], []
        for row in range(3 * sentence, 3 * sentence + 3):
            ids = [token for token in drawn[row] if token]
            scores.append(np.mean([log_probabilities[row, t, i] for t, i in enumerate(ids)]))
            value = metric(drawn[row : row + 1], labels[sentence : sentence + 1])
            errors.append(1 - float(value[0]))
        weights = np.exp(scores) / np.exp(scores).sum()
        expected.append(weights @ errors)
    assert found == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize("weights", [[0.5, 0, 2, 7], [[0.5, 0.5], [0, 0], [3, 1], [7, 7]]])
def test_risk_is_the_weighted_mean_of_the_sources(model, monkeypatch, weights):
    source = padded_ids([4, 2, 3, 1], 9, seed=1)
    labels = np.array([[5, END_ID], [6, END_ID], [4, END_ID], [0, 0]], "int32")
    drawn = random_ids(8, 7, 9)
    monkeypatch.setattr("keras_seq2seq.models.minimum_risk.split_into_micro_batches", lambda x: [x])
    risk = MinimumRisk(num_samples=2)

    def measure(rows, **options):
        rows = np.atleast_1d(rows)
        outputs = drawn.reshape(4, 2, -1)[rows].reshape(2 * len(rows), -1)
        monkeypatch.setattr(MinimumRisk, "_draw", lambda *_, **__: ops.convert_to_tensor(outputs))
        parts = map(ops.convert_to_tensor, (source[rows], labels[rows]))
        return float(risk(model, *parts, None, **options))

    risks = [measure(row) for row in range(3)]
    assert measure(range(4)) == pytest.approx(np.mean(risks), rel=1e-4)
    expected = (0.5 * risks[0] + 2 * risks[2]) / 2.5
    found = measure(range(4), sample_weight=np.array(weights, "float32"))
    assert found == pytest.approx(expected, rel=1e-4)
    assert measure(range(4), sample_weight=np.zeros(4, "float32")) == 0


def test_sequences_without_weight_have_no_effect_on_training(model):
    source, labels = padded_ids([4, 2], 9, seed=1), random_ids(2, 5, 9)
    batch = {"source_ids": source, "target_ids": numbers_of(shift_right(labels))}
    model.minimum_risk = MinimumRisk()
    model.compile(keras.optimizers.SGD(1.0))
    before = model.get_weights()
    assert model.fit(batch, labels, sample_weight=np.zeros(2), verbose=0).history["loss"] == [0]
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_lowers_the_risk(model):
    source = np.tile(padded_ids([5, 3, 4, 2], 9, seed=1), (8, 1))
    labels = np.tile(random_ids(4, 5, 9), (8, 1))
    batch = {"source_ids": source, "target_ids": numbers_of(shift_right(labels))}
    risk, seed = MinimumRisk(num_samples=8, weight=1.0), keras.random.SeedGenerator(1)

    def measure():
        return float(
            risk(model, ops.convert_to_tensor(source), ops.convert_to_tensor(labels), seed)
        )

    before = measure()
    model.minimum_risk = risk
    model.compile(keras.optimizers.Adam(0.01), loss=MaskedCrossEntropy())
    history = model.fit(batch, labels, batch_size=32, epochs=40, verbose=0)
    after = measure()
    assert after < before - 0.2
    # What `fit` reports is the risk, since it has all the weight.
    assert history.history["loss"][-1] == pytest.approx(after, abs=0.15)


def test_evaluation_has_no_risk(model):
    source, labels = padded_ids([4, 2], 9, seed=1), random_ids(2, 5, 9)
    batch = {"source_ids": source, "target_ids": numbers_of(shift_right(labels))}
    model.compile("sgd", loss=MaskedCrossEntropy())
    plain = model.evaluate(batch, labels, verbose=0)
    model.minimum_risk = MinimumRisk()
    model.compile("sgd", loss=MaskedCrossEntropy())
    assert model.evaluate(batch, labels, verbose=0) == plain
