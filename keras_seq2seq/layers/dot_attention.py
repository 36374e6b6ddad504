"""Multiplicative attention."""

import keras
from keras import ops

from keras_seq2seq.layers.attention import Attention


@keras.saving.register_keras_serializable("keras_seq2seq")
class DotAttention(Attention):
    """Luong's dot attention between projections: `score = (query W + b) . (key U)`.

    Args:
        num_units: Integer, the size that queries and keys are projected to.

    Call arguments:
        query: Tensor `(batch, query_dim)`.
        values: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`, true for real positions.

    Output:
        The context `(batch, dim)` and the attention weights `(batch, time)`.

    Reference:
        - Luong et al., 2015, "Effective Approaches to Attention-based Neural Machine
          Translation", https://arxiv.org/abs/1508.04025, equation 8
    """

    def _score(self, query, keys):
        return ops.matmul(query, ops.swapaxes(keys, 1, 2))
