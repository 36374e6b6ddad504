"""Perplexity over all tokens seen."""

import keras
import numpy as np
from keras import ops


class Perplexity(keras.metrics.Metric):
    """The exponential of the mean cross-entropy, every token counting alike.

    Args:
        name: String.

    Call arguments of `update_state`:
        loss: Scalar, the mean cross-entropy of a batch, in nats a token.
        tokens: Scalar, the number of tokens it is the mean of.
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
        """Returns the result by NumPy: for every step, an operation of the backend is slow."""
        total, tokens = map(ops.convert_to_numpy, (self.total, self.tokens))
        with np.errstate(over="ignore"):
            return float(np.exp(total / np.maximum(tokens, 1.0)))
