"""Embeddings to walk about in."""

import os
from pathlib import Path

from tensorboard.plugins import projector

from keras_seq2seq.data import Vocabulary
from keras_seq2seq.data.atomic_file import atomic_file
from keras_seq2seq.models import Seq2Seq


class EmbeddingProjector:
    """Writes a model's embeddings, each with its word, for TensorBoard's projector.

    They take four bytes a number, and each write replaces the one before.

    Args:
        log_dir: The directory for `tensorboard --logdir`.
        source_vocabulary: What the source ids mean.
        target_vocabulary: What the target ids mean.

    Example:
        >>> EmbeddingProjector("logs", source_vocabulary, target_vocabulary).write(model)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
    ):
        self.log_dir = Path(log_dir)
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary

    def write(self, model: Seq2Seq):
        """Writes the embeddings as they are now.

        Raises:
            OSError: If a file cannot be written.
        """
        sides = {"source": (model.source_embedding, self.source_vocabulary)}
        if not model.share_embeddings:
            sides["target"] = (model.target_embedding, self.target_vocabulary)
        directory = self.log_dir / "embeddings"
        directory.mkdir(parents=True, exist_ok=True)
        config = projector.ProjectorConfig()
        for side, (embedding, vocabulary) in sides.items():
            (weights,) = embedding.get_weights()
            numbers, words = directory / f"{side}.bytes", directory / f"{side}.tsv"
            with atomic_file(numbers, binary=True) as file:
                file.write(weights.astype("float32").tobytes())
            _write_words(words, vocabulary)
            # Paths are taken from where the configuration is: the directory can be moved.
            config.embeddings.add(
                tensor_name=side,
                tensor_shape=weights.shape,
                tensor_path=str(numbers.relative_to(self.log_dir)),
                metadata_path=str(words.relative_to(self.log_dir)),
            )
        projector.visualize_embeddings(str(self.log_dir), config)


def _write_words(path: Path, vocabulary: Vocabulary):
    words = vocabulary.to_tokens(range(len(vocabulary)))
    # A cell that is empty, or a blank, would be no label.
    words = [word if word.strip() else repr(word) for word in words]
    with atomic_file(path) as file:
        if vocabulary.counts is None:
            file.writelines(f"{word}\n" for word in words)
        else:
            counts = [0] * (len(words) - len(vocabulary.counts)) + list(vocabulary.counts)
            file.write("word\tcount\n")
            rows = zip(words, counts, strict=True)
            file.writelines(f"{word}\t{count}\n" for word, count in rows)
