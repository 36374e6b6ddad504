"""The weights that a run begins with, where they are not drawn by chance."""

from dataclasses import dataclass

from keras_seq2seq.config import Config
from keras_seq2seq.data import Vocabulary
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.training.pretrained_embeddings import load_embedding
from keras_seq2seq.training.warm_start import WarmStart, start_from


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
