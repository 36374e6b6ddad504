"""Embeddings that begin with word vectors of others."""

import os

import numpy as np

from keras_seq2seq.data import Vocabulary, read_word_vectors
from keras_seq2seq.layers import ScaledEmbedding


def load_embedding(
    layer: ScaledEmbedding, path: str | os.PathLike, vocabulary: Vocabulary
) -> tuple[int, int]:
    """Sets the vectors of those tokens that a file of word vectors has; the others stay.

    All are multiplied by one number, so that their components have unit variance, as those of a
    fresh `ScaledEmbedding` have: angles and relative lengths are kept, and what is not in the
    file is not drowned by what is.

    Args:
        layer: The embedding, built.
        path: A text file as `read_word_vectors` takes it.
        vocabulary: The vocabulary of the embedding.

    Returns:
        The number of tokens that were found, and that of all, special ones not counted.

    Raises:
        UserError: As `read_word_vectors` does.
    """
    found = read_word_vectors(path, vocabulary, layer.output_dim)
    vectors = found.vectors / max(float(np.sqrt(np.mean(found.vectors**2))), 1e-12)
    weights = layer.embeddings.numpy()
    # The layer multiplies by this root.
    weights[found.ids] = vectors / np.sqrt(layer.output_dim)
    layer.embeddings.assign(weights)
    return len(found.ids), len(vocabulary.tokens)
