"""Attention weights as images, with labels in fonts that support their characters.

matplotlib takes a third of a second to import, and is imported when something is drawn.
"""

import os
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.writing import atomic_file

# A font of matplotlib that draws a box for any character.
_PLACEHOLDER_FONT = "Last Resort"


def choose_fonts(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Finds installed fonts that together support all characters of some texts.

    Args:
        texts: Iterable of strings.

    Returns:
        A tuple of the names of the font families, starting with matplotlib's default, and the set
        of characters that no installed font supports.
    """
    families: list[str] = []
    missing = {character for text in texts for character in text}
    for family, path in _installed_fonts():
        found = {character for character in missing if ord(character) in _characters(path)}
        if found or not families:
            families.append(family)
            missing -= found
        if not missing:
            break
    return families, missing


def _installed_fonts() -> Iterator[tuple[str, str]]:
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    default = FontProperties(family=rcParams["font.family"])
    path = findfont(default)
    yield get_font(path).family_name, path
    # Sorted, so that the choice of fonts is reproducible.
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        is_regular = font.style == "normal" and font.weight in (400, "normal")
        if is_regular and not font.name.startswith(_PLACEHOLDER_FONT):
            yield font.name, font.fname


@cache
def _characters(path: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(path).get_charmap())


# Longer labels would take more room than the plot itself.
_MAX_CHARACTERS = 24

# Control characters such as tabs, which would be drawn as boxes or break the line.
_INVISIBLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")

# Unsupported characters about which a warning has been issued.
_warned: set[str] = set()


def make_labels(tokens: Sequence[str], more: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Converts tokens to labels for a plot.

    Long tokens are abbreviated. Characters that no installed font supports are replaced by their
    code points, such as U+7B11, with a warning on first use.

    Args:
        tokens: List of strings, the tokens.
        more: List of strings, other text in the same plot.

    Returns:
        A tuple of the labels and the names of the font families to use.
    """
    labels = [_INVISIBLE.sub(lambda match: _number(match[0]), shorten(token)) for token in tokens]
    families, missing = choose_fonts([*labels, *more])
    if missing - _warned:
        _warned.update(missing)
        _warn(missing)
    if missing:
        characters = "".join(map(re.escape, sorted(missing)))
        # Joiners and variation selectors belong to the adjacent characters.
        unsupported = re.compile(f"[{characters}][{characters}\u200d\ufe0e\ufe0f]*")
        labels = [unsupported.sub(lambda match: _number(match[0]), label) for label in labels]
    return labels, families


def shorten(token: str, max_length: int = _MAX_CHARACTERS) -> str:
    """Replaces the middle of a long token with an ellipsis.

    Args:
        token: The token.
        max_length: Integer, the maximum number of characters of the result.
    """
    if len(token) <= max_length:
        return token
    head = max_length // 2
    return f"{token[:head]}…{token[len(token) - (max_length - head - 1) :]}"


def _number(characters: str) -> str:
    """Returns the code point of the first character, with an ellipsis if there are more."""
    return f"U+{ord(characters[0]):04X}{'…' if len(characters) > 1 else ''}"


def _warn(missing: set[str]):
    from matplotlib import get_cachedir

    first = min(missing)
    name = unicodedata.name(first, "")
    others = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
    warnings.warn(
        f"no installed font supports {f'{name} ' if name else ''}(U+{ord(first):04X}){others}; "
        "plots show code points instead. Install a font such as Noto (fonts-noto on Debian) and "
        f"delete {get_cachedir()}, where matplotlib caches its list of fonts",
        stacklevel=4,
    )


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


def check_matplotlib():
    """Checks that matplotlib is installed, without importing it.

    Raises:
        UserError: If not.
    """
    if find_spec("matplotlib") is None:
        raise UserError("plots of attention need matplotlib: pip install matplotlib")


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
        UserError: If matplotlib is not installed.
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
    check_matplotlib()
    from matplotlib.figure import Figure

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
