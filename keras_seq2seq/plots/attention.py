"""Attention weights as images, text and arrays."""

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

import numpy as np
from rich.cells import cell_len

from keras_seq2seq.files.writing import NumberedFiles, atomic_file


def check_weights(
    weights: np.ndarray, source_tokens: Sequence[str], target_tokens: Sequence[str]
) -> np.ndarray:
    """Converts attention weights to an array and checks its shape.

    Args:
        weights: Array-like `(target_tokens, source_tokens)`.
        source_tokens: The source tokens.
        target_tokens: The target tokens.

    Returns:
        The weights as a NumPy array.

    Raises:
        ValueError: If the shape does not match the tokens.
    """
    weights = np.asarray(weights)
    expected = len(target_tokens), len(source_tokens)
    if weights.shape != expected:
        raise ValueError(
            "`weights` must have a row for each target token and a column for each source token: "
            f"expected the shape {expected}. Received: {weights.shape}"
        )
    return weights


_CELL_INCHES = 0.3
_MARGIN_INCHES = 0.2

_FONT_SIZE = 11
_DOTS_PER_INCH = 150

# Limits for long sentences, whose heatmaps could otherwise take gigabytes of memory to draw or be
# too large to open.
_MAX_TOKENS = 200
_MAX_DOTS = 6000

# The number of tokens from which labels are drawn on both sides.
_LABELS_ON_BOTH_SIDES = 25


def save_attention_heatmap(
    file: str | os.PathLike | BinaryIO,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    weights: np.ndarray,
):
    """Saves attention weights as a heatmap.

    Rows are target tokens and columns are source tokens; darker cells mean more attention. At most
    200 tokens per side are drawn, and long tokens are abbreviated.

    Args:
        file: The path, whose suffix determines the format (`.png`, `.svg` or `.pdf`), or a binary
            file object for a PNG.
        source_tokens: List of strings, the source tokens.
        target_tokens: List of strings, the target tokens.
        weights: Floats `(target_tokens, source_tokens)` in [0, 1].

    Raises:
        ValueError: If the shape of the weights does not match the tokens, if either side is empty,
            or if the format is unknown.
        OSError: If the file cannot be written.

    Example:
        >>> (translation,) = translator.translate(["ein mann"])
        >>> save_attention_heatmap(
        ...     "attention.png",
        ...     translation.source_tokens,
        ...     translation.target_tokens,
        ...     translation.attention,
        ... )
    """
    # Imported here because importing matplotlib takes a third of a second.
    from matplotlib.figure import Figure

    from keras_seq2seq.plots.labels import make_labels

    weights = check_weights(weights, source_tokens, target_tokens)
    if not weights.size:
        raise ValueError("a heatmap needs at least one source token and one target token")
    weights = weights[:_MAX_TOKENS, :_MAX_TOKENS]
    rows, columns = weights.shape
    labels, families = make_labels([*source_tokens[:columns], *target_tokens[:rows]], more="→↓")
    is_upright = all(len(label) == 1 for label in labels[:columns])
    # No math text, as "$" is an ordinary token.
    style = {"family": families, "size": _FONT_SIZE, "parse_math": False}

    # Not pyplot, which keeps figures in memory and may open a window system.
    figure = Figure(figsize=(_CELL_INCHES * columns, _CELL_INCHES * rows))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(columns), labels[:columns], rotation=0 if is_upright else 90, **style)
    axes.set_yticks(range(rows), labels[columns:], **style)
    below, right = rows >= _LABELS_ON_BOTH_SIDES, columns >= _LABELS_ON_BOTH_SIDES
    axes.tick_params(top=True, labeltop=True, bottom=below, labelbottom=below, length=0)
    axes.tick_params(right=right, labelright=right)
    _draw_grid(axes, rows, columns)
    _note_omitted_tokens(axes, style, len(target_tokens) - rows, len(source_tokens) - columns)
    options = {
        "dpi": min(_DOTS_PER_INCH, _MAX_DOTS / (_CELL_INCHES * max(rows, columns))),
        # The labels are outside of the figure, which this extends to include them.
        "bbox_inches": "tight",
        "pad_inches": _MARGIN_INCHES,
    }
    if not isinstance(file, (str, os.PathLike)):
        figure.savefig(file, **options)
        return
    path = Path(file) if Path(file).suffix else Path(f"{os.fspath(file)}.png")
    with atomic_file(path, binary=True) as opened:
        figure.savefig(opened, format=path.suffix[1:].lower(), **options)


def _draw_grid(axes, rows: int, columns: int):
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def _note_omitted_tokens(axes, style, rows: int, columns: int):
    omitted = [f"{count:,} more {arrow}" for count, arrow in ((columns, "→"), (rows, "↓")) if count]
    if omitted:
        axes.set_title(", ".join(omitted), loc="left", pad=12, **style)


# Pairs of the minimum weight and the shade. A column is two terminal cells wide, the width of a
# wide character and about the height of a line.
_SHADES = ((0.75, "██"), (0.5, "▓▓"), (0.25, "▒▒"), (0.05, "░░"), (0.0, "· "))


def attention_as_text(
    source_tokens: Sequence[str], target_tokens: Sequence[str], weights: np.ndarray
) -> str:
    """Draws attention weights as text with shaded blocks.

    Lines are target tokens and columns are source tokens, which are written vertically. The four
    shades mean weights of at least 0.05, 0.25, 0.5 and 0.75.

    Args:
        source_tokens: List of strings, the source tokens.
        target_tokens: List of strings, the target tokens.
        weights: Floats `(target_tokens, source_tokens)` in [0, 1].

    Returns:
        A string with several lines, aligned for a terminal in which some characters are two cells
        wide.

    Raises:
        ValueError: If the shape of the weights does not match the tokens.

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
    """Returns the lines of the header, with each token written vertically in its column."""
    columns = [_characters(token) for token in tokens]
    return ["".join(map(_pad, line)) for line in zip_longest(*columns, fillvalue="")]


def _characters(token: str) -> list[str]:
    """Splits a token into characters, keeping combining characters with their base."""
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
    return next((shade for minimum, shade in _SHADES if weight >= minimum), _SHADES[-1][1])


class AttentionDirectory:
    """A directory with a heatmap and an array of attention weights for each sentence.

    `000007.png` is the heatmap of the seventh sentence, unless either side is empty. `000007.npz`
    contains the arrays `weights`, floats `(target_tokens, source_tokens)`, and the strings
    `source_tokens` and `target_tokens`.

    Args:
        directory: The path of a new or empty directory.

    Raises:
        UserError: If the directory is not empty or cannot be written.

    Example:
        >>> directory = AttentionDirectory("attention")
        >>> for number, translation in enumerate(translator.translate(sentences), start=1):
        ...     directory.write(
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
            number: The number of the sentence, counted from 1.
            source_tokens: List of strings, the source tokens.
            target_tokens: List of strings, the target tokens.
            weights: Floats `(target_tokens, source_tokens)` in [0, 1].

        Raises:
            ValueError: If the shape of the weights does not match the tokens.
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
