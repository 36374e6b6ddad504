"""Words that are hidden in training."""

import keras
from keras import ops

from keras_seq2seq.layers.arguments import check_rate
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID


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
