"""Attention weights as a picture."""

import os
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from matplotlib.figure import Figure

from keras_seq2seq.plots.attention_weights import check_weights
from keras_seq2seq.plots.labels import make_labels

# In inches.
_CELL = 0.3
_MARGIN = 0.2

_FONT_SIZE = 11
_DOTS_PER_INCH = 150

# Longer sentences are cut, and large pictures get fewer dots, so that no sentence makes a picture
# that takes gigabytes to draw or that no program opens.
_MOST_TOKENS = 200
_MOST_DOTS = 6000

# From so many tokens on, labels on one side are too far away to be followed by eye.
_LABELS_ON_BOTH_SIDES = 25


def save_attention_heatmap(
    file: str | os.PathLike | BinaryIO,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    weights: np.ndarray,
):
    """Draws attention weights as a heatmap.

    Each row is a target token and each column a source token; the darker, the more the target
    token's step looked at the source token. Of sentences with more than 200 tokens the first 200
    are drawn, and long tokens lose their middle.

    Args:
        file: The path, whose suffix is the format: `.png`, `.svg`, `.pdf`; or an open binary
            file, which gets a PNG.
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
    weights = weights[:_MOST_TOKENS, :_MOST_TOKENS]
    rows, columns = weights.shape
    labels, families = make_labels([*source_tokens[:columns], *target_tokens[:rows]], more="→↓")
    is_upright = all(len(label) == 1 for label in labels[:columns])
    # Without formulas: "$" is a token like others.
    style = {"family": families, "size": _FONT_SIZE, "parse_math": False}

    # Not pyplot, which keeps each figure, and a window system, for the whole program.
    figure = Figure(figsize=(_CELL * columns, _CELL * rows))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(columns), labels[:columns], rotation=0 if is_upright else 90, **style)
    axes.set_yticks(range(rows), labels[columns:], **style)
    below, right = rows >= _LABELS_ON_BOTH_SIDES, columns >= _LABELS_ON_BOTH_SIDES
    axes.tick_params(top=True, labeltop=True, bottom=below, labelbottom=below, length=0)
    axes.tick_params(right=right, labelright=right)
    _draw_grid(axes, rows, columns)
    _tell_what_is_cut(axes, style, len(target_tokens) - rows, len(source_tokens) - columns)
    # The labels stand outside of the figure, which grows as they need.
    figure.savefig(
        file,
        dpi=min(_DOTS_PER_INCH, _MOST_DOTS / (_CELL * max(rows, columns))),
        bbox_inches="tight",
        pad_inches=_MARGIN,
    )


def _draw_grid(axes, rows: int, columns: int):
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def _tell_what_is_cut(axes, style, rows: int, columns: int):
    cut = [f"{count:,} more {side}" for count, side in ((columns, "→"), (rows, "↓")) if count]
    if cut:
        axes.set_title(", ".join(cut), loc="left", pad=12, **style)
