"""Embeddings that learn fast."""

import math

import keras

from keras_seq2seq.backend import take_rows
from keras_seq2seq.layers.layer import Layer


@keras.saving.register_keras_serializable("keras_seq2seq")
class ScaledEmbedding(Layer, keras.layers.Embedding):
    """An embedding multiplied by the square root of its size.

    The weights start with a standard deviation of `1 / sqrt(output_dim)`, so that the vectors
    start with unit variance. Keras' default, uniform in +-0.05, tells tokens apart so little that
    attention takes thousands of steps to lock in. And with an optimizer such as Adam, whose steps
    do not depend on the scale of the gradients, the vectors of rare tokens move far enough in the
    few steps that they take part in.

    Args:
        input_dim: Integer, the size of the vocabulary.
        output_dim: Integer, the size of the vectors.

    Call arguments:
        inputs: Integer tensor of any shape.

    Output:
        Tensor `(..., output_dim)`.

    Reference:
        - Vaswani et al., 2017, "Attention Is All You Need", https://arxiv.org/abs/1706.03762,
          section 3.4
    """

    def __init__(self, input_dim, output_dim, **kwargs):
        kwargs.setdefault(
            "embeddings_initializer", keras.initializers.RandomNormal(stddev=output_dim**-0.5)
        )
        super().__init__(input_dim, output_dim, **kwargs)

    def call(self, inputs):
        vectors = self.narrow(take_rows(self.embeddings, inputs))
        return self.widen(vectors) * math.sqrt(self.output_dim)

    def compute_output_spec(self, inputs):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.wide_dtype)
