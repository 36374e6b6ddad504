"""Attention weights as text and arrays, and a directory of them."""

import os
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.writing import NumberedFiles, atomic_file
from keras_seq2seq.plots.heatmap import check_matplotlib, check_weights, save_attention_heatmap

# Pairs of the minimum weight and the shade. A column is two terminal cells wide, the width of a
# wide character and about the height of a line.
_SHADES = ((0.75, "██"), (0.5, "▓▓"), (0.25, "▒▒"), (0.05, "░░"), (0.0, "· "))

# Arrays of strings take as much memory as if all of them had the length of the longest one.
_MAX_TOKEN_LENGTH = 1_000


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
        UserError: If rich is not installed.

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
    margin = max(map(_count_cells, target_tokens), default=0)
    lines = [f"{' ' * margin} {line}" for line in _header(source_tokens)]
    for token, row in zip(target_tokens, weights, strict=True):
        indent = " " * (margin - _count_cells(token))
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
        if characters and _count_cells(character) == 0:
            characters[-1] += character
        else:
            characters.append(character)
    return characters


def _count_cells(text: str) -> int:
    """Returns the width of text in a terminal."""
    # Files can be written without rich, which the runtime of exported models lacks.
    try:
        from rich.cells import cell_len
    except ImportError:
        raise UserError("attention as text needs rich: pip install rich") from None
    return cell_len(text)


def _pad(character: str) -> str:
    return character + " " * (2 - _count_cells(character))


def _shade(weight: float) -> str:
    return next((shade for minimum, shade in _SHADES if weight >= minimum), _SHADES[-1][1])


class AttentionDirectory:
    """A directory with a heatmap and an array of attention weights for each sentence.

    `000007.png` is the heatmap of the seventh sentence, unless either side is empty. `000007.npz`
    contains the arrays `weights`, floats `(target_tokens, source_tokens)`, and the strings
    `source_tokens` and `target_tokens`, each cut to 1,000 characters.

    Args:
        directory: The path of a new or empty directory.

    Raises:
        UserError: If the directory is not empty or cannot be written, or if matplotlib is not
            installed.

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
        check_matplotlib()
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
                source_tokens=_string_array(source_tokens),
                target_tokens=_string_array(target_tokens),
            )
        if weights.size:
            with atomic_file(self._files.path(number, ".png"), binary=True) as file:
                save_attention_heatmap(file, source_tokens, target_tokens, weights)


def _string_array(tokens: Sequence[str]) -> np.ndarray:
    return np.array([token[:_MAX_TOKEN_LENGTH] for token in tokens], dtype=str)
