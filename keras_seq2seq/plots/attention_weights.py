"""Attention weights and the tokens that they belong to."""

from collections.abc import Sequence

import numpy as np


def check_weights(
    weights: np.ndarray, source_tokens: Sequence[str], target_tokens: Sequence[str]
) -> np.ndarray:
    """Returns the weights as an array.

    Raises:
        ValueError: If their shape is not `(target_tokens, source_tokens)`.
    """
    weights = np.asarray(weights)
    expected = len(target_tokens), len(source_tokens)
    if weights.shape != expected:
        raise ValueError(
            "`weights` must have a row for each target token and a column for each source token: "
            f"expected the shape {expected}. Received: {weights.shape}"
        )
    return weights
