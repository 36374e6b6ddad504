import keras
import numpy as np

from keras_seq2seq.layers import ScaledEmbedding


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
