"""Attention weights as images, text and arrays."""

import os
from collections.abc import Sequence
from itertools import zip_longest
from typing import BinaryIO

import numpy as np
from matplotlib.figure import Figure
from rich.cells import cell_len

from keras_seq2seq.files.writing import NumberedFiles, atomic_file
from keras_seq2seq.plots.labels import make_labels


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


class AttentionDirectory:
    """Writes two files for each sentence: a heatmap for people and its numbers for programs.

    `000007.png` is the heatmap of the seventh sentence; there is none where no token was read or
    written. `000007.npz` has the arrays `weights`, floats `(target_tokens, source_tokens)`,
    `source_tokens` and `target_tokens`, both strings.

    Args:
        directory: A new or an empty directory.

    Raises:
        UserError: If the directory has files, or cannot be written.

    Example:
        >>> pictures = AttentionDirectory("attention")
        >>> for number, translation in enumerate(translator.translate(sentences), start=1):
        ...     pictures.write(
        ...         number,
        ...         translation.source_tokens,
        ...         translation.target_tokens,
        ...         translation.attention,
        ...     )
        >>> numpy.load("attention/000001.npz")["weights"]
    """

    def __init__(self, directory: str | os.PathLike):
        self._files = NumberedFiles(directory)

    def write(
        self,
        number: int,
        source_tokens: Sequence[str],
        target_tokens: Sequence[str],
        weights: np.ndarray,
    ):
        """Writes the files of a sentence.

        Args:
            number: The number of the sentence, 1 for the first.
            source_tokens: The tokens that were looked at.
            target_tokens: The tokens that were written.
            weights: Floats `(target_tokens, source_tokens)` from 0 to 1.

        Raises:
            ValueError: If the weights do not fit the tokens.
            OSError: If a file cannot be written.
        """
        weights = check_weights(weights, source_tokens, target_tokens)
        with atomic_file(self._files.path(number, ".npz"), binary=True) as file:
            np.savez_compressed(
                file,
                weights=weights,
                source_tokens=np.array(source_tokens, dtype=str),
                target_tokens=np.array(target_tokens, dtype=str),
            )
        if weights.size:
            with atomic_file(self._files.path(number, ".png"), binary=True) as file:
                save_attention_heatmap(file, source_tokens, target_tokens, weights)
