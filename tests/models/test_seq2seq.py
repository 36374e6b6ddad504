"""What both models do."""

import io
from contextlib import redirect_stdout

import keras
import numpy as np
import pytest
from harness import numbers_of, padded_ids, randomize
from reference import Model, token_losses

from keras_seq2seq.layers import (
    AttentionDecoder,
    BasicDecoder,
    BidirectionalEncoder,
    DenseBridge,
    PassThroughBridge,
    UnidirectionalEncoder,
    ZeroBridge,
)
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq

MODELS = [AttentionSeq2Seq, BasicSeq2Seq]
SOURCE_LENGTHS, TARGET_LENGTHS = [4, 1, 3, 5], [3, 6, 1, 2]
SOURCE_IDS = padded_ids(SOURCE_LENGTHS, 11, seed=1)
TARGET_IDS = padded_ids(TARGET_LENGTHS, 9, seed=2)
LABELS = padded_ids(TARGET_LENGTHS, 9, seed=3)
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}


def custom_parts(variant):
    """Arguments other than the plain ones, each of them somewhere."""
    if variant == "LSTM 2 layers":
        return {"cell": "LSTMCell", "num_layers": 2, "embedding_dim": 3}
    if variant == "GRU 1 layer":
        return {"cell": "GRUCell"}
    if variant == "shared":
        return {"source_vocabulary_size": 11, "target_vocabulary_size": 11} | {
            "share_embeddings": True
        }
    cell = {"cell": "GRUCell", "num_layers": 2, "residual_connections": True}
    if variant == "dot, zero":
        decoder = AttentionDecoder(4, attention="dot", attention_units=3, **cell)
        return {
            "encoder": UnidirectionalEncoder(5),
            "decoder": decoder,
            "bridge": ZeroBridge(decoder.state_sizes),
        }
    if variant == "bahdanau, pass_through":
        decoder = AttentionDecoder(4, attention="bahdanau", **cell)
        return {
            "encoder": BidirectionalEncoder(2, **cell),
            "decoder": decoder,
            "bridge": PassThroughBridge(decoder.state_sizes),
        }
    decoder = BasicDecoder(4, **cell)
    return {
        "encoder": BidirectionalEncoder(3, cell="LSTMCell"),
        "decoder": decoder,
        "bridge": DenseBridge(decoder.state_sizes),
    }


VARIANTS = [
    "LSTM 2 layers",
    "GRU 1 layer",
    "shared",
    "dot, zero",
    "bahdanau, pass_through",
    "basic, dense",
]


def make_model(model_class, variant, **arguments):
    sizes = {"source_vocabulary_size": 11, "target_vocabulary_size": 9, "num_units": 4}
    model = model_class(**{**sizes, **custom_parts(variant), **arguments})
    return randomize(model)


def without_build_configs(model):
    """Returns the config without the shapes seen, which Keras keeps as lists or as tuples."""
    config = model.get_config()
    for part in ("encoder", "bridge", "decoder"):
        config[part].pop("build_config", None)
    return config


@pytest.fixture(scope="module")
def models():
    """One model of each class and variant; tests that train make their own."""
    return {(c, v): make_model(c, v) for c in MODELS for v in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("model_class", MODELS)
class TestNumbers:
    def test_logits_agree_with_the_reference(self, models, model_class, variant):
        model = models[model_class, variant]
        logits = numbers_of(model(BATCH))
        reference = Model(model)
        for row, length in enumerate(TARGET_LENGTHS):
            expected = reference.logits(SOURCE_IDS[row], TARGET_IDS[row, :length])
            np.testing.assert_allclose(logits[row, :length], expected, atol=1e-5)

    def test_padding_changes_nothing(self, models, model_class, variant):
        model = models[model_class, variant]
        logits = numbers_of(model(BATCH))
        padded = {
            "source_ids": padded_ids(SOURCE_LENGTHS, 11, extra=5, seed=1),
            "target_ids": padded_ids(TARGET_LENGTHS, 9, extra=3, seed=2),
        }
        padded_logits = numbers_of(model(padded))
        for row, (source, target) in enumerate(zip(SOURCE_LENGTHS, TARGET_LENGTHS, strict=True)):
            alone = {
                "source_ids": SOURCE_IDS[[row], :source],
                "target_ids": TARGET_IDS[[row], :target],
            }
            expected = numbers_of(model(alone))[0]
            np.testing.assert_allclose(logits[row, :target], expected, atol=1e-5)
            np.testing.assert_allclose(padded_logits[row, :target], expected, atol=1e-5)

    def test_steps_equal_the_training_scan(self, models, model_class, variant):
        model = models[model_class, variant]
        expected = numbers_of(model(BATCH))
        memory, states = model.encode(SOURCE_IDS)
        for time in range(TARGET_IDS.shape[1]):
            logits, scores, states = model.decode_step(TARGET_IDS[:, time], states, memory)
            np.testing.assert_allclose(numbers_of(logits), expected[:, time], atol=1e-5)
            if scores is not None:
                assert (numbers_of(scores)[SOURCE_IDS == 0] == 0).all()

    def test_hypotheses_of_a_source_advance_together(self, models, model_class, variant):
        model = models[model_class, variant]
        targets = [TARGET_IDS, padded_ids(TARGET_LENGTHS, 9, seed=4)]
        expected = [numbers_of(model({**BATCH, "target_ids": ids})) for ids in targets]
        memory, states = model.encode(SOURCE_IDS)
        states = keras.tree.map_structure(lambda t: np.stack([numbers_of(t)] * 2, axis=1), states)
        for time in range(TARGET_IDS.shape[1]):
            ids = np.stack([ids[:, time] for ids in targets], axis=1)
            logits, scores, states = model.decode_step(ids, states, memory)
            for number, logits_alone in enumerate(expected):
                found = numbers_of(logits)[:, number]
                np.testing.assert_allclose(found, logits_alone[:, time], atol=1e-5)
            if scores is not None:
                assert scores.shape == (4, 2, SOURCE_IDS.shape[1])

    def test_greedy_decode_agrees_with_the_reference(self, models, model_class, variant):
        model = models[model_class, variant]
        reference = Model(model)
        memory, states = model.encode(SOURCE_IDS)
        ids, found = np.full(4, 2), []
        for _ in range(8):
            logits, scores, states = model.decode_step(ids, states, memory)
            ids = numbers_of(logits).argmax(axis=-1)
            found.append((ids, None if scores is None else numbers_of(scores)))
        for row, length in enumerate(SOURCE_LENGTHS):
            expected, expected_scores = reference.greedy(SOURCE_IDS[row], max_length=8)
            assert [step[row] for step, _ in found[: len(expected)]] == expected
            for (_, scores), expected_score in zip(found, expected_scores, strict=False):
                if scores is not None:
                    np.testing.assert_allclose(scores[row, :length], expected_score, atol=1e-5)

    def test_saved_model_is_the_same(self, models, model_class, variant, tmp_path):
        model = models[model_class, variant]
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert type(loaded) is model_class
        assert without_build_configs(loaded) == without_build_configs(model)
        assert loaded.count_params() == model.count_params()
        np.testing.assert_allclose(numbers_of(loaded(BATCH)), numbers_of(model(BATCH)), atol=1e-6)

    def test_summary_counts_all_weights(self, models, model_class, variant):
        model = models[model_class, variant]
        with redirect_stdout(io.StringIO()) as output:
            model.summary()
        count = sum(array.size for array in model.get_weights())
        assert f"Total params: {count:,} " in output.getvalue()


def test_share_embeddings_is_one_embedding(models):
    names = {weight.path for weight in models[AttentionSeq2Seq, "shared"].weights}
    assert "source_embedding/embeddings" in names
    assert "target_embedding/embeddings" not in names


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("model_class", MODELS)
def test_gradients_by_finite_differences(model_class, cell_type, label_smoothing):
    """The slope along random directions, one for each weight, against the reference's loss."""
    parts = {"cell": cell_type, "num_layers": 2}
    model = make_model(model_class, "GRU 1 layer", **parts)
    reference = Model(model)
    start = dict(reference.weights)

    def loss():
        logits = [
            reference.logits(source, target[:length])
            for source, target, length in zip(SOURCE_IDS, TARGET_IDS, TARGET_LENGTHS, strict=True)
        ]
        labels = LABELS[LABELS != 0]
        return token_losses(labels, np.concatenate(logits), label_smoothing).mean()

    # A plain step at learning rate one: the difference of the weights is the gradient.
    optimizer = keras.optimizers.SGD(1.0)
    model.compile(optimizer, loss=MaskedCrossEntropy(label_smoothing), run_eagerly=True)
    found_loss = model.train_on_batch(BATCH, LABELS)[0]
    np.testing.assert_allclose(found_loss, loss(), atol=1e-5)
    after = Model(model).weights
    rng = np.random.default_rng(4)
    for name, weight in start.items():
        gradient = weight - after[name]
        assert np.abs(gradient).max() > 1e-6, f"{name} is not trained"
        direction = rng.normal(size=weight.shape)
        direction /= np.linalg.norm(direction)
        losses = []
        for step in (1e-5, -1e-5):
            reference.weights[name] = weight + step * direction
            losses.append(loss())
        reference.weights[name] = weight
        slope = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose((gradient * direction).sum(), slope, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("model_class", MODELS)
def test_perplexity_weighs_all_tokens_alike(model_class):
    model = make_model(model_class, "GRU 1 layer")
    reference = Model(model)
    logits = [reference.logits(s, t) for s, t in zip(SOURCE_IDS, TARGET_IDS, strict=True)]
    losses = token_losses(LABELS, logits)
    assert len(losses) == 12
    expected = np.exp(losses.mean())
    batches = [token_losses(LABELS[rows], logits[rows]) for rows in (slice(0, 3), slice(3, 4))]
    mean_of_batches = np.exp(np.mean([batch.mean() for batch in batches]))
    assert abs(mean_of_batches - expected) > 0.1

    # Ten and two tokens; nothing learned, so that both epochs and the evaluation are alike.
    model.compile(keras.optimizers.SGD(0.0), loss=MaskedCrossEntropy())
    history = model.fit(
        BATCH, LABELS, batch_size=3, epochs=2, shuffle=False, verbose=0,
        validation_data=(BATCH, LABELS), validation_batch_size=1,
    ).history  # fmt: skip
    np.testing.assert_allclose(history["perplexity"], [expected] * 2, rtol=1e-5)
    np.testing.assert_allclose(history["val_perplexity"], [expected] * 2, rtol=1e-5)
    results = model.evaluate(BATCH, LABELS, batch_size=2, verbose=0, return_dict=True)
    assert results.keys() == {"loss", "perplexity", "source_padding", "target_padding"}
    np.testing.assert_allclose(results["perplexity"], expected, rtol=1e-5)


@pytest.mark.parametrize("model_class", MODELS)
def test_learns(model_class):
    keras.utils.set_random_seed(1)
    model = model_class(11, 9, num_units=16, cell="GRUCell")
    model.compile(keras.optimizers.Adam(0.05), loss=MaskedCrossEntropy())
    history = model.fit(BATCH, LABELS, epochs=20, verbose=0).history
    assert history["perplexity"][0] > 7
    assert model.evaluate(BATCH, LABELS, verbose=0, return_dict=True)["perplexity"] < 1.5


@pytest.mark.parametrize("model_class", MODELS)
def test_frozen_layers_stay_as_they_are(model_class):
    model = model_class(11, 9, num_units=4)
    frozen, trained = (model.encoder, model.decoder), (model.bridge, model.output_layer)
    for layer in frozen:
        layer.trainable = False
    before = model.get_weights()
    model.compile("sgd", loss=MaskedCrossEntropy())
    model.fit(BATCH, LABELS, epochs=1, verbose=0)
    after = dict(zip([weight.path for weight in model.weights], model.get_weights(), strict=True))
    for weight, value in zip(model.weights, before, strict=True):
        changed = not np.array_equal(value, after[weight.path])
        if any(weight is one for layer in frozen for one in layer.weights):
            assert not changed, weight.path
        if any(weight is one for layer in trained for one in layer.weights):
            assert changed, weight.path


@pytest.mark.parametrize("model_class", MODELS)
def test_mixed_precision(model_class, tmp_path):
    expected = make_model(model_class, "LSTM 2 layers")
    model = make_model(model_class, "LSTM 2 layers", dtype="mixed_bfloat16", dropout=0.2)
    logits = numbers_of(model(BATCH))
    np.testing.assert_allclose(logits, numbers_of(expected(BATCH)), atol=0.1)
    memory, states = model.encode(SOURCE_IDS)
    for time in range(3):
        found, _, states = model.decode_step(TARGET_IDS[:, time], states, memory)
        np.testing.assert_allclose(numbers_of(found), logits[:, time], atol=0.1)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert {layer.compute_dtype for layer in (loaded.encoder, loaded.output_layer)} == {"bfloat16"}
    np.testing.assert_array_equal(numbers_of(loaded(BATCH)), logits)

    model.compile(keras.optimizers.SGD(0.1), loss=MaskedCrossEntropy())
    before = model.get_weights()
    history = model.fit(BATCH, LABELS, verbose=0).history
    assert np.isfinite(history["loss"][0])
    for old, new in zip(before, model.get_weights(), strict=True):
        assert new.dtype == "float32" and (old != new).any()


@pytest.mark.parametrize("model_class", MODELS)
def test_global_policy_is_followed(model_class):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make_model(model_class, "GRU 1 layer")
        assert model.output_layer.compute_dtype == "bfloat16"
        assert keras.backend.standardize_dtype(model(BATCH).dtype) == "float32"
    finally:
        keras.config.set_dtype_policy(policy)
    expected = make_model(model_class, "GRU 1 layer")(BATCH)
    np.testing.assert_allclose(numbers_of(model(BATCH)), numbers_of(expected), atol=0.1)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"share_embeddings": True},
            "`share_embeddings` needs one vocabulary for both sides. Received: "
            "source_vocabulary_size=11, target_vocabulary_size=9",
        ),
        (
            {"source_vocabulary_size": 0},
            "`source_vocabulary_size` must be an integer of at least 1. "
            "Received: source_vocabulary_size=0",
        ),
        (
            {"embedding_dim": 0},
            "`embedding_dim` must be an integer of at least 1. Received: embedding_dim=0",
        ),
        (
            {"dropout": 1.2},
            "`input_dropout` must be a number of at least 0 and below 1. "
            "Received: input_dropout=1.2",
        ),
        (
            {"encoder": BidirectionalEncoder(4), "bridge": PassThroughBridge([(4, 4)])},
            "A pass_through bridge needs an encoder whose states have the sizes of the "
            "decoder's, [(4, 4)] by layer, but the encoder's are [(8, 8)]. "
            "Use a dense bridge, or give both sides the same cells, layers and units.",
        ),
    ],
)
def test_refuses_bad_arguments(model_class, arguments, message):
    with pytest.raises(ValueError) as error:
        make_model(model_class, "LSTM 2 layers", **{"num_layers": 1, **arguments})
    assert str(error.value) == message
