import keras
import numpy as np
import pytest
from harness.dropout import assert_rate

from keras_seq2seq.layers import ScaledEmbedding, WordDropout


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


def test_config_round_trip():
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
    layer = WordDropout(0.2, seed=3, name="drop")
    assert WordDropout.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="`rate` must be a number of at least 0 and below 1"):
        WordDropout(1.0)
