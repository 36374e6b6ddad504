"""Output layers."""

import keras
from keras import ops

from keras_seq2seq.backend import make_logits
from keras_seq2seq.layers.layer import BaseLayer, check_size


@keras.saving.register_keras_serializable("keras_seq2seq")
class Logits(BaseLayer):
    """Scores each token by a product with the decoder's output.

    What `keras.layers.Dense` would compute, but so that `MaskedCrossEntropy` costs less.

    Args:
        vocabulary_size: Integer, the number of tokens.

    Call arguments:
        inputs: Tensor `(..., units)`.

    Output:
        Logits `(..., vocabulary_size)`.
    """

    def __init__(self, vocabulary_size, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        check_size("vocabulary_size", vocabulary_size)
        self.vocabulary_size = vocabulary_size

    def build(self, input_shape):
        size = self.vocabulary_size
        self.kernel = self.add_weight(shape=(input_shape[-1], size), name="kernel")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        return make_logits(self.to_compute_dtype(inputs), self._kernel_and_bias)

    def _kernel_and_bias(self):
        return self.to_compute_dtype(self.kernel), self.to_output_dtype(self.bias)

    def get_config(self):
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}


@keras.saving.register_keras_serializable("keras_seq2seq")
class TiedLogits(BaseLayer):
    """Scores each token by the product of the decoder's output and the token's vector.

    The vectors are the weights of a `ScaledEmbedding`, before its scaling: their standard
    deviation of `1 / sqrt(output_dim)` is what an output layer begins with. Where outputs have
    another size than the vectors, they are projected first.

    Args:
        embedding: The `ScaledEmbedding` of the target.

    Call arguments:
        inputs: Tensor `(..., units)`.

    Output:
        Logits `(..., vocabulary_size)`.

    Reference:
        - Press and Wolf, 2017, "Using the Output Embedding to Improve Language Models",
          https://arxiv.org/abs/1608.05859
    """

    def __init__(self, embedding, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.embedding = embedding

    def build(self, input_shape):
        size = self.embedding.output_dim
        self.projection = None
        if input_shape[-1] != size:
            self.projection = self.add_weight(shape=(input_shape[-1], size), name="projection")
        self.bias = self.add_weight(
            shape=(self.embedding.input_dim,), initializer="zeros", name="bias"
        )
        if not self.embedding.built:
            self.embedding.build()
        self.built = True

    def call(self, inputs):
        if self.projection is not None:
            inputs = self.matmul(inputs, self.projection)
        return make_logits(self.to_compute_dtype(inputs), self._kernel_and_bias)

    def _kernel_and_bias(self):
        table = self.to_compute_dtype(self.embedding.embeddings)
        return ops.transpose(table), self.to_output_dtype(self.bias)

    def get_config(self):
        config = super().get_config()
        return {**config, "embedding": keras.saving.serialize_keras_object(self.embedding)}

    @classmethod
    def from_config(cls, config):
        embedding = keras.saving.deserialize_keras_object(config["embedding"])
        return cls(**{**config, "embedding": embedding})
