"""Token embeddings and word dropout."""

import math

import keras
from keras import ops

from keras_seq2seq.backend import take_rows
from keras_seq2seq.layers.layer import BaseLayer, check_rate
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID


@keras.saving.register_keras_serializable("keras_seq2seq")
class ScaledEmbedding(BaseLayer, keras.layers.Embedding):
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
        vectors = self.to_compute_dtype(take_rows(self.embeddings, inputs))
        return self.to_output_dtype(vectors) * math.sqrt(self.output_dim)

    def compute_output_spec(self, inputs):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.output_dtype)


@keras.saving.register_keras_serializable("keras_seq2seq")
class WordDropout(keras.layers.Layer):
    """Replaces tokens by the unknown one, each by chance, in training.

    Special tokens, padding among them, stay.

    Args:
        rate: Float, the probability with which a token is replaced.
        seed: Integer or `None`.

    Call arguments:
        inputs: Integer tensor of any shape, ids.
        training: Boolean, whether to replace any.

    Output:
        Ids of the same shape.

    Reference:
        - Bowman et al., 2016, "Generating Sentences from a Continuous Space",
          https://arxiv.org/abs/1511.06349, section 3.1
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_rate("rate", rate)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        draws = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator, dtype="float32")
        is_hidden = ops.logical_and(draws < self.rate, inputs >= len(SPECIAL_TOKENS))
        return ops.where(is_hidden, ops.cast(UNKNOWN_ID, inputs.dtype), inputs)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
