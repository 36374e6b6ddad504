"""Attention weights as a picture."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_seq2seq.plots.attention_weights import check_weights
from keras_seq2seq.plots.fonts import choose_fonts

# In inches.
_CELL = 0.3
_MARGIN = 0.2

_FONT_SIZE = 11
_DOTS_PER_INCH = 150


def save_attention_heatmap(
    path: str | os.PathLike,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    weights: np.ndarray,
):
    """Draws attention weights as a heatmap.

    Each row is a target token and each column a source token; the darker, the more the target
    token's step looked at the source token.

    Args:
        path: The file, whose suffix is the format: `.png`, `.svg`, `.pdf`.
        source_tokens: The tokens that were looked at.
        target_tokens: The tokens that were written.
        weights: Floats `(target_tokens, source_tokens)` from 0 to 1.

    Raises:
        ValueError: If the weights do not fit the tokens, if there are none, or if the format is
            unknown.
        OSError: If the file cannot be written.
    """
    weights = check_weights(weights, source_tokens, target_tokens)
    if not weights.size:
        raise ValueError("a heatmap needs at least one source token and one target token")
    families, missing = choose_fonts([*source_tokens, *target_tokens])
    # Without formulas: "$" is a token like others.
    style = {"family": families, "size": _FONT_SIZE, "parse_math": False}

    # Not pyplot, which keeps each figure, and a window system, for the whole program.
    figure = Figure(figsize=(_CELL * len(source_tokens), _CELL * len(target_tokens)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    is_upright = all(len(token) == 1 for token in source_tokens)
    axes.set_xticks(
        range(len(source_tokens)),
        [_label(token, missing) for token in source_tokens],
        rotation=0 if is_upright else 90,
        **style,
    )
    axes.set_yticks(
        range(len(target_tokens)), [_label(token, missing) for token in target_tokens], **style
    )
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    _draw_grid(axes, *weights.shape)
    # The labels stand outside of the figure, which grows as they need.
    figure.savefig(path, dpi=_DOTS_PER_INCH, bbox_inches="tight", pad_inches=_MARGIN)


def _label(token: str, missing: set[str]) -> str:
    """Writes characters that no font has by their numbers, such as U+7B11."""
    return "".join(f"U+{ord(c):04X}" if c in missing else c for c in token)


def _draw_grid(axes, rows: int, columns: int):
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
