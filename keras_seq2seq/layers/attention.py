"""Attention: additive (Bahdanau) and multiplicative (Luong)."""

import keras
from keras import ops

from keras_seq2seq.backend import matmul
from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers.layer import BaseLayer, get_layer, resolve_mask

# Added to the score of a padded position, whose weight then underflows to exactly zero.
MASKED_SCORE = -1e9


class Attention(BaseLayer):
    """Base class of the attention layers: scores a sequence of values against a query.

    A subclass implements `attend`. `project_memory` computes everything that depends only on the
    values, once per source. The state that is passed from one query to the next starts as the
    result of `initial_state`.

    Attributes:
        takes_several_queries: Boolean, whether `attend` takes `(batch, n, query_dim)` too, several
            queries of each row of the memory. Otherwise each query gets a copy of the memory.
        averages_values: Boolean, whether the context is the mean of `memory["values"]`, `(batch,
            time, dim)`, weighted with the attention weights. `attend` must then use them for
            nothing else, such as keys, since the decoder may replace them with products with its
            weights.

    Call arguments:
        query: Tensor `(batch, query_dim)`.
        values: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`, true for real positions. Defaults to the implicit
            mask of the values, or else to all positions.

    Output:
        The context `(batch, context_dim)` and the attention weights `(batch, time)`.
    """

    takes_several_queries = False
    averages_values = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, query_shape, values_shape, mask_shape=None):
        self.built = True

    def project_memory(self, values, mask):
        """Returns what `attend` needs of the values.

        Args:
            values: Tensor `(batch, time, dim)`.
            mask: Boolean tensor `(batch, time)`, true for real positions.

        Returns:
            Dictionary of tensors `(batch, ...)`, among them `"mask"` unless the subclass implements
            `initial_weights`.
        """
        return {"values": self.to_output_dtype(values), "mask": mask}

    def initial_weights(self, memory):
        """Returns the attention weights before the first query: zeros `(batch, time)`."""
        return ops.cast(ops.zeros_like(memory["mask"]), self.output_dtype)

    def initial_state(self, memory):
        """Returns the state before the first query: a nested structure of tensors `(batch, ...)`.

        Args:
            memory: What `project_memory` returned.
        """
        return ()

    def attend(self, query, memory, state):
        """Attends with one query.

        Args:
            query: Tensor `(batch, query_dim)`.
            memory: What `project_memory` returned.
            state: The state, from `initial_state` or from the query before.

        Returns:
            The context `(batch, context_dim)`, the weights `(batch, time)` and the new state.
        """
        raise NotImplementedError

    def call(self, query, values, mask=None):
        memory = self.project_memory(values, resolve_mask(mask, values))
        context, weights, _ = self.attend(query, memory, self.initial_state(memory))
        return context, weights

    def compute_mask(self, *args, **kwargs):
        return None  # A context has no time axis.


class ProjectedAttention(Attention):
    """Base class of attention layers that project the query and the values.

    A subclass compares them in `_score`. The context is the weighted mean of the values.

    Args:
        num_units: Integer, the size of the projected queries and keys.
    """

    takes_several_queries = True

    def __init__(self, num_units, **kwargs):
        super().__init__(**kwargs)
        num_units = check_integer("num_units", num_units)
        self.num_units = num_units

    def build(self, query_shape, values_shape, mask_shape=None):
        units = self.num_units
        self.query_kernel = self.add_weight(shape=(query_shape[-1], units), name="query_kernel")
        # A bias of the keys would add the same to all scores of a dot attention: no effect.
        self.query_bias = self.add_weight(shape=(units,), initializer="zeros", name="query_bias")
        self.key_kernel = self.add_weight(shape=(values_shape[-1], units), name="key_kernel")
        self.built = True

    def project_memory(self, values, mask):
        return {
            "keys": self.matmul(values, self.key_kernel),
            "values": self.to_compute_dtype(values),
            "score_bias": self.to_output_dtype(ops.logical_not(mask)) * MASKED_SCORE,
        }

    def initial_weights(self, memory):
        return ops.zeros_like(memory["score_bias"])

    def attend(self, query, memory, state=()):
        query = self.dense(query, self.query_kernel, self.query_bias)
        is_single = len(query.shape) == 2
        if is_single:
            query = ops.expand_dims(query, axis=1)
        scores = self._score(query, memory["keys"]) + ops.expand_dims(memory["score_bias"], axis=1)
        # `ops.softmax` warns of an axis of one element, which a source of one token has.
        has_choice = scores.shape[-1] != 1
        weights = ops.softmax(scores, axis=-1) if has_choice else ops.ones_like(scores)
        context = self.matmul(weights, memory["values"])
        if is_single:
            context, weights = ops.squeeze(context, axis=1), ops.squeeze(weights, axis=1)
        return context, weights, state

    def _score(self, query, keys):
        """Returns the scores `(batch, n, time)`.

        Args:
            query: Tensor `(batch, n, num_units)`.
            keys: Tensor `(batch, time, num_units)`.
        """
        raise NotImplementedError

    def compute_output_spec(self, query, values, mask=None):
        # Static, since Keras would trace `call`.
        shapes = (query.shape[0], values.shape[-1]), (query.shape[0], values.shape[1])
        return tuple(keras.KerasTensor(shape, dtype=self.output_dtype) for shape in shapes)

    def get_config(self):
        return {**super().get_config(), "num_units": self.num_units}


@keras.saving.register_keras_serializable("keras_seq2seq")
class BahdanauAttention(ProjectedAttention):
    """Additive attention: `score = v . tanh(query W + b + key U)`.

    Unlike `keras.layers.AdditiveAttention`, it projects queries and keys.

    Args:
        num_units: Integer, the size of the projected queries and keys.

    Call arguments:
        query: Tensor `(batch, query_dim)`.
        values: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`, true for real positions. Defaults to the implicit
            mask of the values, or else to all positions.

    Output:
        The context `(batch, dim)`, the weighted mean of the values, and the attention weights
        `(batch, time)`, which sum to one and are exactly zero for padding.

    Example:
        >>> attention = BahdanauAttention(64)
        >>> query, values = np.ones((2, 8)), np.ones((2, 5, 16))
        >>> context, weights = attention(query, values)
        >>> context.shape, weights.shape
        ((2, 16), (2, 5))

    Reference:
        - Bahdanau et al., 2015, "Neural Machine Translation by Jointly Learning to Align and
          Translate", https://arxiv.org/abs/1409.0473, appendix A.1.2
    """

    averages_values = True

    def build(self, query_shape, values_shape, mask_shape=None):
        super().build(query_shape, values_shape, mask_shape)
        self.score_kernel = self.add_weight(shape=(self.num_units, 1), name="score_kernel")

    def _score(self, query, keys):
        # (batch, n, time, units)
        hidden = ops.tanh(ops.expand_dims(keys, axis=1) + ops.expand_dims(query, axis=2))
        return ops.squeeze(matmul(hidden, self.to_output_dtype(self.score_kernel)), axis=-1)


@keras.saving.register_keras_serializable("keras_seq2seq")
class DotAttention(ProjectedAttention):
    """Luong's dot attention between projections: `score = (query W + b) . (key U)`.

    Args:
        num_units: Integer, the size of the projected queries and keys.

    Call arguments:
        query: Tensor `(batch, query_dim)`.
        values: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`, true for real positions. Defaults to the implicit
            mask of the values, or else to all positions.

    Output:
        The context `(batch, dim)`, the weighted mean of the values, and the attention weights
        `(batch, time)`, which sum to one and are exactly zero for padding.

    Example:
        >>> attention = DotAttention(64)
        >>> query, values = np.ones((2, 8)), np.ones((2, 5, 16))
        >>> context, weights = attention(query, values)
        >>> context.shape, weights.shape
        ((2, 16), (2, 5))

    Reference:
        - Luong et al., 2015, "Effective Approaches to Attention-based Neural Machine
          Translation", https://arxiv.org/abs/1508.04025, equation 8
    """

    averages_values = True

    def _score(self, query, keys):
        return ops.matmul(query, ops.swapaxes(keys, 1, 2))


ATTENTIONS = {"bahdanau": BahdanauAttention, "dot": DotAttention}


def get_attention(attention, num_units=None, **options):
    """Returns the attention that a name, a config or a layer stands for.

    Args:
        attention: A name in `ATTENTIONS`, the config of an attention, or a subclass of `Attention`.
        num_units: Integer, the units of an attention given by name. Must be `None` or the units of
            the attention otherwise.
        **options: Constructor arguments of an attention given by name, such as `dtype`.

    Raises:
        ValueError: If it is unknown, is not an `Attention`, or its units differ from `num_units`.
    """
    layer = get_layer(attention, ATTENTIONS, "attention", num_units=num_units, **options)
    if not isinstance(layer, Attention):
        raise ValueError(
            "`attention` must be a subclass of `keras_seq2seq.layers.Attention`, which implements "
            f"`attend`. Received: attention={layer!r}"
        )
    if num_units is not None and getattr(layer, "num_units", None) != num_units:
        raise ValueError(
            "`attention_units` and the attention have different sizes. Received: "
            f"attention_units={num_units}, attention={layer!r}"
        )
    return layer
