import numpy as np
import pytest
from harness import check_layer_basics, numbers_of

from keras_seq2seq.layers import Logits

RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(size=(2, 6, 4)).astype("float32")


def test_basics(tmp_path):
    check_layer_basics(Logits, {"vocabulary_size": 5}, {"inputs": OUTPUTS}, (2, 6, 5), tmp_path)


def test_scores_by_a_product_and_a_sum():
    layer = Logits(5)
    layer.build((None, 4))
    layer.bias.assign(bias := RNG.normal(size=5))
    expected = OUTPUTS @ numbers_of(layer.kernel) + bias
    np.testing.assert_allclose(numbers_of(layer(OUTPUTS)), expected, atol=1e-5)
    np.testing.assert_allclose(numbers_of(layer(OUTPUTS[:, 0])), expected[:, 0], atol=1e-5)


@pytest.mark.parametrize("size", [0, 2.5])
def test_refuses_sizes_that_are_none(size):
    with pytest.raises(ValueError, match="`vocabulary_size` must be"):
        Logits(size)
