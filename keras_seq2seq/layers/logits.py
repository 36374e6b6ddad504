"""The output layer."""

import keras

from keras_seq2seq.backend import make_logits
from keras_seq2seq.layers.arguments import check_size
from keras_seq2seq.layers.layer import Layer


@keras.saving.register_keras_serializable("keras_seq2seq")
class Logits(Layer):
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
        check_size("vocabulary_size", vocabulary_size)
        self.vocabulary_size = vocabulary_size

    def build(self, input_shape):
        size = self.vocabulary_size
        self.kernel = self.add_weight(shape=(input_shape[-1], size), name="kernel")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        return make_logits(self.narrow(inputs), self._kernel_and_bias)

    def _kernel_and_bias(self):
        return self.narrow(self.kernel), self.widen(self.bias)

    def get_config(self):
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}
