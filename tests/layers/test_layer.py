"""Products in the compute dtype, and all else in float32 at least."""

import keras
import numpy as np
import pytest
from harness import numbers_of

from keras_seq2seq.layers import (
    AttentionDecoder,
    BidirectionalEncoder,
    DotAttention,
    GRUCell,
    ScaledEmbedding,
)
from keras_seq2seq.layers.layer import BaseLayer

# bfloat16 keeps eight bits: it rounds this to 1.
A_LITTLE_MORE_THAN_ONE = 1 + 2**-12


class Affine(BaseLayer):
    def build(self, input_shape):
        value = keras.initializers.Constant(A_LITTLE_MORE_THAN_ONE)
        self.kernel = self.add_weight(shape=(2, 2), initializer=value, name="kernel")
        self.bias = self.add_weight(shape=(2,), initializer=value, name="bias")
        self.built = True

    def call(self, inputs):
        return inputs, self.matmul(inputs, self.kernel), self.to_output_dtype(self.bias)


@pytest.mark.parametrize(
    ("dtype", "rounded_in_products", "rounded_weights"),
    [
        ("float32", A_LITTLE_MORE_THAN_ONE, A_LITTLE_MORE_THAN_ONE),
        ("mixed_bfloat16", 1.0, A_LITTLE_MORE_THAN_ONE),
        ("bfloat16", 1.0, 1.0),
    ],
)
def test_what_is_rounded(dtype, rounded_in_products, rounded_weights):
    given = np.full((1, 2), A_LITTLE_MORE_THAN_ONE, "float32")
    inputs, product, bias = Affine(dtype=dtype)(given)
    for tensor in (inputs, product, bias):
        assert keras.backend.standardize_dtype(tensor.dtype) == "float32"
    np.testing.assert_array_equal(numbers_of(inputs), given)
    np.testing.assert_allclose(numbers_of(product), 2 * rounded_in_products**2, rtol=1e-6)
    np.testing.assert_array_equal(numbers_of(bias), np.float32(rounded_weights))


@pytest.mark.parametrize(
    ("layer_class", "arguments", "hint"),
    [
        (BidirectionalEncoder, {"num_units": 4, "num_layer": 2}, "did you mean 'num_layers'"),
        (AttentionDecoder, {"num_units": 4, "atention": "dot"}, "did you mean 'attention'"),
        (GRUCell, {"num_units": 4, "layer_normalisation": True}, "'layer_normalization'"),
        (DotAttention, {"num_units": 4, "units": 4}, "did you mean 'num_units'"),
        (
            ScaledEmbedding,
            {"input_dim": 4, "output_dim": 4, "embedding_initializer": "zeros"},
            "did you mean 'embeddings_initializer'",
        ),
    ],
)
def test_unknown_arguments_are_errors_with_suggestions(layer_class, arguments, hint):
    with pytest.raises(ValueError, match=f"got an unexpected keyword argument .*{hint}"):
        layer_class(**arguments)
