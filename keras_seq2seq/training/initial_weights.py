"""Initial weights from other models and from word vectors."""

import os
import re
from dataclasses import dataclass

import numpy as np

from keras_seq2seq.config import Config
from keras_seq2seq.data import read_word_vectors
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import ScaledEmbedding
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import SPECIAL_TOKENS
from keras_seq2seq.text import Vocabulary

# The weights that have a row for each token of a vocabulary: the side of that, and the axis.
_TOKEN_AXES = {
    "source_embedding/embeddings": ("source", 0),
    "target_embedding/embeddings": ("target", 0),
    "logits/kernel": ("target", 1),
    "logits/bias": ("target", 0),
}


@dataclass(frozen=True)
class WarmStart:
    """What became of the weights of a model that was to begin with those of another.

    Attributes:
        taken: By the path of each weight that was taken over, such as `"encoder/forward_0/cell/
            kernel"`, how much of it: `""` for all, else in words.
        left: By the path of each weight that stays fresh, why.
    """

    taken: dict[str, str]
    left: dict[str, str]


def start_from(
    model: Seq2Seq,
    vocabularies: tuple[Vocabulary, Vocabulary],
    directory: ModelDirectory,
    pattern: str = "",
) -> WarmStart:
    """Takes over the weights of a trained model that have the same path and the same shape.

    Where a vocabulary is another one, embeddings and output layer are taken over token by token.

    Args:
        model: The model that is to begin.
        vocabularies: Its source and target vocabulary.
        directory: The directory of the trained model.
        pattern: A regular expression that the paths of the weights must hold somewhere.

    Returns:
        What was taken over, and what not.

    Raises:
        UserError: If the directory holds no model, or nothing can be taken over.
    """
    other = {weight.path: weight.numpy() for weight in directory.load_model().weights}
    here = dict(zip(("source", "target"), vocabularies, strict=True))
    there = dict(zip(("source", "target"), directory.load_vocabularies(), strict=True))
    taken, left = {}, {}
    for weight in model.weights:
        path = weight.path
        if not re.search(pattern, path):
            left[path] = "its name does not match"
        elif path not in other:
            left[path] = "the other model has none"
        else:
            value, old = weight.numpy(), other[path]
            side, axis = _TOKEN_AXES.get(path, (None, 0))
            if side and here[side] != there[side]:
                reason = _take_tokens(value, old, axis, here[side], there[side])
            else:
                reason = "" if value.shape == old.shape else _shapes(value, old)
                value = old
            (left if reason.startswith("shape") else taken)[path] = reason
            if path in taken:
                weight.assign(value)
    if not taken:
        first = next(iter(left))
        raise UserError(
            f"{directory.path}: nothing of it can be taken over: {first}: {left[first]}"
        )
    return WarmStart(taken, left)


def _take_tokens(
    value: np.ndarray, old: np.ndarray, axis: int, here: Vocabulary, there: Vocabulary
) -> str:
    """Copies the rows of the tokens that both vocabularies have, and says how many."""
    value, old = np.moveaxis(value, axis, 0), np.moveaxis(old, axis, 0)
    if value.shape[1:] != old.shape[1:]:
        return _shapes(value, old)
    shared = [token for token in here.tokens if token in there]
    special = range(len(SPECIAL_TOKENS))
    value[[*special, *here.to_ids(shared)]] = old[[*special, *there.to_ids(shared)]]
    return f"{len(shared):,} of {len(here.tokens):,} tokens"


def _shapes(value: np.ndarray, old: np.ndarray) -> str:
    return f"shape {old.shape} there, {value.shape} here"


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


@dataclass(frozen=True)
class InitialWeights:
    """What was set.

    Attributes:
        warm_start: What was taken over from another model; `None` if there is none.
        word_vectors: By the side, `"source"` or `"target"`, whose embedding begins with word
            vectors: the number of tokens that have one, and that of all.
    """

    warm_start: WarmStart | None
    word_vectors: dict[str, tuple[int, int]]


def set_initial_weights(
    model: Seq2Seq, config: Config, vocabularies: tuple[Vocabulary, Vocabulary]
) -> InitialWeights:
    """Sets the weights that `init_from` and `embedding.*_file` say, the latter last.

    Args:
        model: The model, untrained.
        config: The configuration.
        vocabularies: Source and target vocabulary.

    Returns:
        What was set.

    Raises:
        UserError: If a file or the other model cannot be read or does not fit.
    """
    warm_start = None
    if config.init_from is not None:
        other = ModelDirectory(config.init_from)
        warm_start = start_from(model, vocabularies, other, config.init_pattern)
    embedding = config.hparams.embedding
    sides = [
        ("source", model.source_embedding, embedding.source_file, vocabularies[0]),
        ("target", model.target_embedding, embedding.target_file, vocabularies[1]),
    ]
    word_vectors = {
        side: load_embedding(layer, path, vocabulary)
        for side, layer, path, vocabulary in sides
        if path is not None
    }
    return InitialWeights(warm_start, word_vectors)
