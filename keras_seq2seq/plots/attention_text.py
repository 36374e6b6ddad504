"""Attention weights as text, for a terminal."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from rich.cells import cell_len

from keras_seq2seq.plots.attention_weights import check_weights

# Each with the weight from which on it stands. A column takes two cells of the terminal: what a
# wide character takes, and about as wide as a line is high.
_SHADES = ((0.75, "██"), (0.5, "▓▓"), (0.25, "▒▒"), (0.05, "░░"), (0.0, "· "))


def attention_as_text(
    source_tokens: Sequence[str], target_tokens: Sequence[str], weights: np.ndarray
) -> str:
    """Draws attention weights with shaded blocks.

    Each line is a target token, and each column a source token, which is written downwards above
    it. The shades stand for weights of at least 0.05, 0.25, 0.5 and 0.75.

    Args:
        source_tokens: The tokens that were looked at.
        target_tokens: The tokens that were written.
        weights: Floats `(target_tokens, source_tokens)` from 0 to 1.

    Returns:
        The lines. They are aligned in a terminal, also where characters are two cells wide.

    Raises:
        ValueError: If the weights do not fit the tokens.

    Example:
        >>> print(attention_as_text(["der", "hund"], ["the", "dog"], [[0.9, 0.1], [0.3, 0.7]]))
            d h
            e u
            r n
              d
        the ██░░
        dog ▒▒▓▓
    """
    weights = check_weights(weights, source_tokens, target_tokens)
    margin = max(map(cell_len, target_tokens), default=0)
    lines = [f"{' ' * margin} {line}" for line in _header(source_tokens)]
    for token, row in zip(target_tokens, weights, strict=True):
        indent = " " * (margin - cell_len(token))
        lines.append(f"{indent}{token} {''.join(map(_shade, row))}")
    return "\n".join(line.rstrip() for line in lines)


def _header(tokens: Sequence[str]) -> list[str]:
    """Returns lines on which each token stands in its column, downwards."""
    columns = [_characters(token) for token in tokens]
    return ["".join(map(_pad, line)) for line in zip_longest(*columns, fillvalue="")]


def _characters(token: str) -> list[str]:
    """Splits a token into characters, an accent that takes no cell staying with its letter."""
    characters: list[str] = []
    for character in token:
        if characters and cell_len(character) == 0:
            characters[-1] += character
        else:
            characters.append(character)
    return characters


def _pad(character: str) -> str:
    return character + " " * (2 - cell_len(character))


def _shade(weight: float) -> str:
    return next((shade for least, shade in _SHADES if weight >= least), _SHADES[-1][1])
