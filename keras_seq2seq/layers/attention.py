"""Attention: additive (Bahdanau) and multiplicative (Luong)."""

import keras
from keras import ops

from keras_seq2seq.backend import matmul
from keras_seq2seq.layers.layer import Layer, check_size

# Added to the score of a padded position, whose weight then underflows to an exact zero.
MASKED_SCORE = -1e9


class Attention(Layer):
    """Weighs the positions of a memory by their match with a query.

    Queries and keys are projected to `num_units` features first. A subclass says how they are
    compared, in `_score`. What depends on the memory alone is computed once a source, by
    `project_memory`, and used for every query, by `attend`.

    Args:
        num_units: Integer, the size that queries and keys are projected to.

    Call arguments:
        query: Tensor `(batch, query_dim)`.
        values: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`, true for real positions.

    Output:
        The context `(batch, dim)`, which is the weighted mean of the values, and the attention
        weights `(batch, time)`, which sum to one and are exactly zero for padding.
    """

    def __init__(self, num_units, **kwargs):
        super().__init__(**kwargs)
        check_size("num_units", num_units)
        self.num_units = num_units
        self.supports_masking = True

    def build(self, query_shape, values_shape, mask_shape=None):
        units = self.num_units
        self.query_kernel = self.add_weight(shape=(query_shape[-1], units), name="query_kernel")
        # A bias of the keys would add the same to all scores of a dot attention: no effect.
        self.query_bias = self.add_weight(shape=(units,), initializer="zeros", name="query_bias")
        self.key_kernel = self.add_weight(shape=(values_shape[-1], units), name="key_kernel")
        self.built = True

    def project_memory(self, values, mask):
        """Returns what `attend` needs of the memory: a dictionary of tensors `(batch, ...)`."""
        return {
            "keys": self.matmul(values, self.key_kernel),
            "values": self.to_compute_dtype(values),
            "score_bias": ops.where(
                mask, self.to_output_dtype(0.0), self.to_output_dtype(MASKED_SCORE)
            ),
        }

    def attend(self, query, memory):
        """Returns the context `(batch, dim)` and the weights `(batch, time)`.

        Several queries of each row of the memory, `(batch, n, query_dim)`, have the contexts
        `(batch, n, dim)` and the weights `(batch, n, time)`.
        """
        query = self.dense(query, self.query_kernel, self.query_bias)
        is_single = len(query.shape) == 2
        if is_single:
            query = ops.expand_dims(query, axis=1)
        scores = self._score(query, memory["keys"]) + ops.expand_dims(memory["score_bias"], axis=1)
        # A source of one token is nothing to be warned of, as `ops.softmax` would.
        has_choice = scores.shape[-1] != 1
        weights = ops.softmax(scores, axis=-1) if has_choice else ops.ones_like(scores)
        context = self.matmul(weights, memory["values"])
        if is_single:
            context, weights = ops.squeeze(context, axis=1), ops.squeeze(weights, axis=1)
        return context, weights

    def _score(self, query, keys):
        """Returns the scores `(batch, n, time)`.

        Args:
            query: Tensor `(batch, n, num_units)`.
            keys: Tensor `(batch, time, num_units)`.
        """
        raise NotImplementedError

    def call(self, query, values, mask):
        return self.attend(query, self.project_memory(values, mask))

    def compute_mask(self, *args, **kwargs):
        return None  # Masks are passed explicitly.

    def get_config(self):
        return {**super().get_config(), "num_units": self.num_units}


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
        return ops.squeeze(matmul(hidden, self.to_output_dtype(self.score_kernel)), axis=-1)


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
