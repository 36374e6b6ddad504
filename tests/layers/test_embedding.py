import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of
from harness.dropout import assert_rate

from keras_seq2seq.layers import Logits, ScaledEmbedding, TiedLogits, WordDropout


def test_starts_with_unit_variance_whatever_its_size():
    keras.utils.set_random_seed(1)
    for dim in (16, 256):
        vectors = np.asarray(ScaledEmbedding(1000, dim)(np.arange(1000)))
        assert abs(vectors.std() - 1) < 0.02


def test_is_the_looked_up_weights_times_the_root_of_the_size():
    layer = ScaledEmbedding(3, 4)
    layer.build()
    layer.set_weights([np.arange(12.0).reshape(3, 4)])
    np.testing.assert_allclose(
        np.asarray(layer(np.array([[2, 0]]))), [[[16, 18, 20, 22], [0, 2, 4, 6]]]
    )


def test_embedding_config_round_trip():
    layer = ScaledEmbedding.from_config(ScaledEmbedding(5, 4, name="embedding").get_config())
    assert (layer.input_dim, layer.output_dim, layer.name) == (5, 4, "embedding")


IDS = np.random.default_rng(0).integers(0, 8, size=(100, 100)).astype("int32")


def test_hides_that_share_of_the_tokens_and_no_special_one():
    dropped = np.asarray(WordDropout(0.3)(IDS, training=True))
    assert dropped.dtype == "int32"
    is_special = IDS < 4
    np.testing.assert_array_equal(dropped[is_special], IDS[is_special])
    changed = dropped[~is_special] != IDS[~is_special]
    assert_rate(changed, 0.3)
    assert (dropped[~is_special][changed] == 1).all()


def test_each_call_hides_others():
    layer = WordDropout(0.3)
    first, second = (np.asarray(layer(IDS, training=True)) for _ in range(2))
    assert (first != second).any()


def test_hides_nothing_unless_training():
    np.testing.assert_array_equal(np.asarray(WordDropout(0.9)(IDS)), IDS)
    np.testing.assert_array_equal(np.asarray(WordDropout(0.0)(IDS, training=True)), IDS)


def test_config_and_errors():
    layer = WordDropout(0.2, seed=np.int64(3), name="drop")
    assert type(layer.get_config()["seed"]) is int
    assert WordDropout.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="`rate` must be a number of at least 0 and below 1"):
        WordDropout(1.0)


PLAIN_RNG = np.random.default_rng(0)
OUTPUTS = PLAIN_RNG.normal(size=(2, 6, 4)).astype("float32")


def test_basics(tmp_path):
    check_layer_basics(Logits, {"vocabulary_size": 5}, {"inputs": OUTPUTS}, (2, 6, 5), tmp_path)


def test_scores_by_a_product_and_a_sum():
    layer = Logits(5)
    layer.build((None, 4))
    layer.bias.assign(bias := PLAIN_RNG.normal(size=5))
    expected = OUTPUTS @ numbers_of(layer.kernel) + bias
    np.testing.assert_allclose(numbers_of(layer(OUTPUTS)), expected, atol=1e-5)
    np.testing.assert_allclose(numbers_of(layer(OUTPUTS[:, 0])), expected[:, 0], atol=1e-5)


@pytest.mark.parametrize("size", [0, 2.5])
def test_refuses_sizes_that_are_none(size):
    with pytest.raises(ValueError, match="`vocabulary_size` must be"):
        Logits(size)


TIED_RNG = np.random.default_rng(0)


@pytest.mark.parametrize("units", [4, 3])
def test_scores_by_the_unscaled_vectors(units):
    embedding = ScaledEmbedding(5, 4)
    layer = TiedLogits(embedding)
    layer.build((None, units))
    layer.bias.assign(bias := TIED_RNG.normal(size=5))
    inputs = TIED_RNG.normal(size=(2, 6, units)).astype("float32")
    projection = np.eye(4) if units == 4 else layer.projection.numpy()
    expected = inputs @ projection @ embedding.embeddings.numpy().T + bias
    np.testing.assert_allclose(np.asarray(layer(inputs)), expected, atol=1e-5)
    assert len(layer.weights) == (2 if units == 4 else 3)


def test_logits_start_with_the_variance_of_the_outputs():
    layer = TiedLogits(ScaledEmbedding(2000, 256))
    logits = layer(TIED_RNG.normal(size=(10, 256)))
    assert np.asarray(logits).std() == pytest.approx(1.0, abs=0.05)


def test_gradients_of_reading_and_writing_meet_in_one_table():
    embedding = ScaledEmbedding(5, 4)
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, TiedLogits(embedding)(embedding(ids)))
    model.compile(
        keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    (before,) = embedding.get_weights()
    model.train_on_batch(np.array([[1, 2]]), np.array([[3, 4]]))
    (after,) = embedding.get_weights()
    # Also of the first token, which is neither read nor wanted, but has a logit.
    assert (np.abs(after - before).max(axis=1) > 1e-3).all()


def test_logits_config_round_trip():
    layer = TiedLogits(ScaledEmbedding(5, 4, name="table"), name="logits", dtype="mixed_bfloat16")
    again = TiedLogits.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.embedding.input_dim == 5
    assert again.compute_dtype == "bfloat16"
    assert again(np.ones((1, 4))).dtype == "float32"
