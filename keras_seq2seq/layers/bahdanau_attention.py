"""Additive attention."""

import keras
from keras import ops

from keras_seq2seq.backend import matmul
from keras_seq2seq.layers.attention import Attention


@keras.saving.register_keras_serializable("keras_seq2seq")
class BahdanauAttention(Attention):
    """Additive attention: `score = v . tanh(query W + b + key U)`.

    `keras.layers.AdditiveAttention` has no projections of its own and is another function.

    Args:
        num_units: Integer, the size that queries and keys are projected to.

    Call arguments:
        query: Tensor `(batch, query_dim)`.
        values: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`, true for real positions.

    Output:
        The context `(batch, dim)` and the attention weights `(batch, time)`.

    Reference:
        - Bahdanau et al., 2015, "Neural Machine Translation by Jointly Learning to Align and
          Translate", https://arxiv.org/abs/1409.0473, appendix A.1.2
    """

    def build(self, query_shape, values_shape, mask_shape=None):
        super().build(query_shape, values_shape, mask_shape)
        self.score_kernel = self.add_weight(shape=(self.num_units, 1), name="score_kernel")

    def _score(self, query, keys):
        # (batch, n, time, units)
        hidden = ops.tanh(ops.expand_dims(keys, axis=1) + ops.expand_dims(query, axis=2))
        return ops.squeeze(matmul(hidden, self.widen(self.score_kernel)), axis=-1)
