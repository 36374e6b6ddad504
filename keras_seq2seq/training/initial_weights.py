"""Initial weights from trained models and from word vectors."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from keras_seq2seq.config import Config
from keras_seq2seq.data import read_word_vectors
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import ScaledEmbedding
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import SPECIAL_TOKENS
from keras_seq2seq.text import Vocabulary

# Attributes of a model, which are also the names of these layers in a model of `build_model`.
# Embeddings and logits always have the same names.
_ROLES = ("encoder", "bridge", "decoder")

# Weights with a slice for each token: the side of the vocabulary, and the axis of the tokens.
_TOKEN_AXES = {
    "source_embedding/embeddings": ("source", 0),
    "target_embedding/embeddings": ("target", 0),
    "logits/kernel": ("target", 1),
    "logits/bias": ("target", 0),
}


@dataclass(frozen=True)
class WarmStart:
    """The weights that were loaded from a trained model.

    Attributes:
        taken: The paths of the weights that were loaded, such as `"encoder/forward_0/cell/kernel"`,
            with a description of the loaded part, `""` for all.
        left: The paths of the weights that keep their default initialization, with the reason.
    """

    taken: dict[str, str]
    left: dict[str, str]


def start_from(
    model: Seq2Seq,
    vocabularies: tuple[Vocabulary, Vocabulary],
    directory: ModelDirectory,
    pattern: str = "",
) -> WarmStart:
    """Loads the weights of a trained model that have the same path and the same shape.

    Layers that were passed to a model as objects count as `encoder`, `bridge`, `decoder` and
    `decoder/attention`, whatever their names. If the vocabularies differ, the weights of embeddings
    and output layer are loaded token by token.

    Args:
        model: The model whose weights are set.
        vocabularies: Its source and target vocabulary.
        directory: The directory of the trained model.
        pattern: Regular expression. Only weights whose path contains a match are loaded.

    Returns:
        The weights that were loaded.

    Raises:
        UserError: If the directory contains no model, or no weights can be loaded.
    """
    other_model, tokenizers = directory.load_model(), directory.load_tokenizers()
    directory.check_vocabularies(other_model, *tokenizers)
    other = {path: weight.numpy() for path, weight in _weights_by_path(other_model)}
    here = dict(zip(("source", "target"), vocabularies, strict=True))
    there = {side: tokenizer.vocabulary for side, tokenizer in zip(here, tokenizers, strict=True)}
    taken, left = {}, {}
    for path, weight in _weights_by_path(model):
        if not re.search(pattern, path):
            left[path] = "the path does not match"
        elif path not in other:
            left[path] = "not in the other model"
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
        raise UserError(f"{directory.path}: no weights can be loaded: {first}: {left[first]}")
    return WarmStart(taken, left)


def _weights_by_path(model: Seq2Seq) -> Iterator[tuple[str, keras.Variable]]:
    """Yields the weights of a model with the paths that they have in a model of `build_model`."""
    roles = {getattr(model, role).name: role for role in _ROLES}
    attention = getattr(model.decoder, "attention", None)
    for weight in model.weights:
        layer, *names = weight.path.split("/")
        role = roles.get(layer, layer)
        if role == "decoder" and attention is not None and names[0] == attention.name:
            names[0] = "attention"
        yield "/".join([role, *names]), weight


def _take_tokens(
    value: np.ndarray, old: np.ndarray, axis: int, here: Vocabulary, there: Vocabulary
) -> str:
    """Copies the weights of tokens that are in both vocabularies, and describes how many."""
    value, old = np.moveaxis(value, axis, 0), np.moveaxis(old, axis, 0)
    if value.shape[1:] != old.shape[1:]:
        return _shapes(value, old)
    shared = [token for token in here.tokens if token in there]
    special = range(len(SPECIAL_TOKENS))
    value[[*special, *here.to_ids(shared)]] = old[[*special, *there.to_ids(shared)]]
    return f"{len(shared):,} of {len(here.tokens):,} tokens"


def _shapes(value: np.ndarray, old: np.ndarray) -> str:
    return f"shape {old.shape} in the other model, {value.shape} in this one"


def load_embedding(
    layer: ScaledEmbedding, path: str | os.PathLike, vocabulary: Vocabulary
) -> tuple[int, int]:
    """Sets the embeddings of the tokens that are in a file of word vectors.

    The vectors are scaled by a common factor to unit variance of their components, like the
    default initialization of `ScaledEmbedding`. This keeps angles and relative lengths, and makes
    them comparable to the embeddings of the other tokens.

    Args:
        layer: The embedding layer, built.
        path: Text file as read by `read_word_vectors`.
        vocabulary: The vocabulary of the embedding.

    Returns:
        The number of tokens that were found, and the number of all tokens without special tokens.

    Raises:
        UserError: In the cases of `read_word_vectors`.
    """
    found = read_word_vectors(path, vocabulary, layer.output_dim)
    vectors = found.vectors.astype("float64")
    vectors /= max(float(np.sqrt(np.mean(vectors**2))), 1e-12)
    weights = layer.embeddings.numpy()
    # The layer multiplies by this square root.
    weights[found.ids] = vectors / np.sqrt(layer.output_dim)
    layer.embeddings.assign(weights)
    return len(found.ids), len(vocabulary.tokens)


@dataclass(frozen=True)
class InitialWeights:
    """The weights that were set before training.

    Attributes:
        warm_start: The weights loaded from a trained model; `None` if there is none.
        word_vectors: For each side, `"source"` or `"target"`, with word vectors: the number of
            tokens that have one, and the number of all tokens.
    """

    warm_start: WarmStart | None
    word_vectors: dict[str, tuple[int, int]]


def set_initial_weights(
    model: Seq2Seq, config: Config, vocabularies: tuple[Vocabulary, Vocabulary]
) -> InitialWeights:
    """Sets the weights given by `init_from`, then those given by `embedding.*_file`.

    Args:
        model: The model, not trained.
        config: The configuration.
        vocabularies: Source and target vocabulary.

    Returns:
        The weights that were set.

    Raises:
        UserError: If a file or the other model cannot be read or does not match.
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
