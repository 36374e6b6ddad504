"""A picture of attention for each sentence."""

import os
from collections.abc import Sequence

import numpy as np

from keras_seq2seq.data.atomic_file import atomic_file
from keras_seq2seq.plots.attention_heatmap import save_attention_heatmap
from keras_seq2seq.plots.attention_weights import check_weights
from keras_seq2seq.plots.numbered_files import NumberedFiles


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
