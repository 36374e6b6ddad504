"""Perplexity and padding, as Keras metrics."""

import keras
import numpy as np
from keras import ops


class Perplexity(keras.metrics.Metric):
    """The exponential of the mean cross-entropy, weighted by tokens.

    Args:
        name: String.

    Call arguments of `update_state`:
        loss: Scalar, the mean cross-entropy of a batch, in nats per token.
        tokens: Scalar, the number of tokens in the batch.
    """

    def __init__(self, name="perplexity", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.tokens = self.add_weight(shape=(), initializer="zeros", name="tokens")

    def update_state(self, loss, tokens):
        tokens = ops.cast(tokens, self.dtype)
        self.total.assign_add(ops.cast(loss, self.dtype) * tokens)
        self.tokens.assign_add(tokens)

    def result(self):
        return ops.exp(self.total / ops.maximum(self.tokens, 1.0))

    def as_float(self):
        """Returns the result, computed by NumPy, which is faster than the backend at each step."""
        total, tokens = map(ops.convert_to_numpy, (self.total, self.tokens))
        with np.errstate(over="ignore"):
            return float(np.exp(total / np.maximum(tokens, 1.0)))


class Padding(keras.metrics.Metric):
    """The shares of padding in sources and targets, from 0 to 1.

    Call arguments of `update_state`:
        source_ids: Integer tensor `(batch, source_length)`, 0 for padding.
        labels: Integer tensor `(batch, target_length)`, 0 for padding.

    Output:
        A dictionary with `source_padding` and `target_padding`.
    """

    def __init__(self, name="padding", **kwargs):
        super().__init__(name=name, **kwargs)
        for side in ("source", "target"):
            for what in ("positions", "tokens"):
                weight = self.add_weight(shape=(), initializer="zeros", name=f"{side}_{what}")
                setattr(self, f"{side}_{what}", weight)

    def update_state(self, source_ids, labels):
        self.source_positions.assign_add(ops.cast(ops.size(source_ids), self.dtype))
        self.source_tokens.assign_add(ops.cast(ops.count_nonzero(source_ids), self.dtype))
        self.target_positions.assign_add(ops.cast(ops.size(labels), self.dtype))
        self.target_tokens.assign_add(ops.cast(ops.count_nonzero(labels), self.dtype))

    def result(self):
        source = self.source_tokens / ops.maximum(self.source_positions, 1.0)
        target = self.target_tokens / ops.maximum(self.target_positions, 1.0)
        return {"source_padding": 1.0 - source, "target_padding": 1.0 - target}
