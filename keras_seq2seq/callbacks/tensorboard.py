"""TensorBoard logs of a training run."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf
from tensorboard.plugins import projector
from tensorboard.plugins.hparams import api as hparams_api

from keras_seq2seq.backend import sum_duplicate_rows
from keras_seq2seq.callbacks.run_control import current_step
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.models.training import inner_optimizer
from keras_seq2seq.text import Vocabulary


class TensorBoardCurves:
    """Writes the records of `Evaluation`, with training and dev curves in the same charts.

    The horizontal axis is the training step, whereas `keras.callbacks.TensorBoard` plots metrics
    by epoch.

    Args:
        log_dir: The directory for `tensorboard --logdir`.

    Example:
        >>> board = TensorBoardCurves("logs")
        >>> model.fit(train, callbacks=[Evaluation(dev, observers=[board.write])])
    """

    def __init__(self, log_dir: str | os.PathLike):
        self._writers = {
            side: tf.summary.create_file_writer(os.path.join(log_dir, side))
            for side in ("train", "dev")
        }

    def write(self, record: dict):
        """Writes the results of an evaluation.

        Args:
            record: The evaluation record, see `Evaluation`.
        """
        for side, writer in self._writers.items():
            with writer.as_default(step=record["step"]):
                for name, value in record.items():
                    if name.startswith(f"{side}_"):
                        tf.summary.scalar(name.removeprefix(f"{side}_"), value)
        with self._writers["train"].as_default(step=record["step"]):
            tf.summary.scalar("learning_rate", record["learning_rate"])
            seconds = max(record["seconds"], 1e-3)  # They are rounded to milliseconds.
            tf.summary.scalar("target_tokens_per_second", record["tokens"] / seconds)
        for writer in self._writers.values():
            writer.flush()


class TrackGradientNorm(keras.callbacks.Callback):
    """Tracks the global norm of the gradients before clipping.

    `model.gradient_norm` holds the mean over the steps since its last reset, which `Evaluation`
    records. If the optimizer clips by the global norm, the norm is not computed twice, because
    TensorFlow merges identical operations. With several replicas, the result is the mean of the
    replicas' gradient norms.

    Example:
        >>> callbacks = [TrackGradientNorm(), Evaluation(dev, observers=[print])]
        >>> model.fit(train, callbacks=callbacks)
    """

    def set_model(self, model):
        super().set_model(model)
        optimizer, metric = inner_optimizer(model.optimizer), model.gradient_norm
        if getattr(optimizer, "_norm_metric", None) is metric:
            return
        apply = optimizer.apply

        def track_and_apply(grads, trainable_variables=None):
            metric.update_state(global_norm(grads))
            return apply(grads, trainable_variables)

        # Keras has no public hook between computing the gradients and clipping them.
        optimizer.apply = track_and_apply
        optimizer._norm_metric = metric
        # An earlier `fit` may have traced it without the metric; `fit` creates it again.
        model.train_function = None


def global_norm(gradients):
    """Returns the global norm of gradients, using the same operations as clipping.

    Args:
        gradients: List of tensors or `tf.IndexedSlices`.

    Returns:
        A scalar tensor.
    """
    return tf.linalg.global_norm(list(map(sum_duplicate_rows, gradients)))


class ProfileSteps(keras.callbacks.Callback):
    """Profiles a range of training steps, for TensorBoard's Profile tab.

    The tab requires the package `tensorboard-plugin-profile`. Choose a range after the first
    steps of a run, which are slow because they build graphs.

    Args:
        log_dir: The directory for `tensorboard --logdir`, in which the profile is the run
            `profile`.
        first: Integer, the first step to profile, counted from 1.
        last: Integer, the last step to profile.

    Raises:
        ValueError: If the range is empty or starts before step 1.

    Example:
        >>> model.fit(train, callbacks=[ProfileSteps("logs", 100, 110)])
    """

    def __init__(self, log_dir, first, last):
        super().__init__()
        if not 1 <= first <= last:
            raise ValueError(
                f"`first` must be from 1 to `last`. Received: first={first}, last={last}"
            )
        self.log_dir = os.path.join(log_dir, "profile")
        self.first = first
        self.last = last
        self._is_running = False

    def on_train_batch_begin(self, batch, logs=None):
        if not self._is_running and self.first <= current_step(self.model) + 1 <= self.last:
            tf.profiler.experimental.start(self.log_dir)
            self._is_running = True

    def on_train_batch_end(self, batch, logs=None):
        if self._is_running and current_step(self.model) >= self.last:
            self._stop()

    def on_train_end(self, logs=None):
        if self._is_running:
            self._stop()

    def _stop(self):
        tf.profiler.experimental.stop()
        self._is_running = False


class RunDescription:
    """Writes the hyperparameters and the graph of a run.

    Write them before `TensorBoardCurves` writes the first evaluation.

    Args:
        log_dir: The directory for `tensorboard --logdir`, the same as for `TensorBoardCurves`.

    Example:
        >>> description = RunDescription("logs")
        >>> description.write_hyper_parameters({"num_units": 256})
        >>> description.write_graph(model)
    """

    def __init__(self, log_dir: str | os.PathLike):
        self.log_dir = Path(log_dir)

    def write_hyper_parameters(self, values: Mapping):
        """Writes the hyperparameters, for TensorBoard's HParams tab.

        Args:
            values: Dictionary of numbers, booleans and strings; other values are converted to
                strings.
        """
        values = {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in values.items()
        }
        # TensorBoard searches for the metrics of a run in the directory of its hyperparameters
        # and below, but not if that directory is the --logdir itself.
        with _step_0(self.log_dir / "dev"):
            # Without the start time, identical runs write identical files.
            hparams_api.hparams(values, start_time_secs=0)

    def write_graph(self, model: Seq2Seq):
        """Writes the graph from ids to logits.

        Building the graph takes about as long as the first training step.

        Args:
            model: The model.
        """
        ids = tf.TensorSpec([None, None], tf.int32)
        forward = tf.function(
            lambda source_ids, target_ids: model(
                {"source_ids": source_ids, "target_ids": target_ids}
            ),
            autograph=False,
        )
        graph = forward.get_concrete_function(ids, ids).graph.as_graph_def()
        with _step_0(self.log_dir):
            tf.summary.graph(graph)


@contextmanager
def _step_0(directory: Path) -> Iterator[None]:
    """Opens an events file for values at step 0, and closes it at the end of the block."""
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=0):
        yield
    writer.close()


class EmbeddingProjector:
    """Writes a model's embeddings and their tokens, for TensorBoard's projector.

    Each write replaces the previous one. The files take four bytes per embedding dimension and
    token.

    Args:
        log_dir: The directory for `tensorboard --logdir`.
        source_vocabulary: The source `Vocabulary`.
        target_vocabulary: The target `Vocabulary`.

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
        """Writes the current embeddings.

        Args:
            model: The model.

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
            # Paths relative to the projector's configuration, so that the directory can be moved.
            config.embeddings.add(
                tensor_name=side,
                tensor_shape=weights.shape,
                tensor_path=str(numbers.relative_to(self.log_dir)),
                metadata_path=str(words.relative_to(self.log_dir)),
            )
        projector.visualize_embeddings(str(self.log_dir), config)


_SEPARATORS = {"\t", "\n", "\r"}


def _write_words(path: Path, vocabulary: Vocabulary):
    words = vocabulary.to_tokens(range(len(vocabulary)))
    # An empty or blank label would be invisible, and tabs and line ends would split it.
    words = [word if word.strip() and not _SEPARATORS & {*word} else repr(word) for word in words]
    with atomic_file(path) as file:
        if vocabulary.counts is None:
            file.writelines(f"{word}\n" for word in words)
        else:
            counts = [0] * (len(words) - len(vocabulary.counts)) + list(vocabulary.counts)
            file.write("word\tcount\n")
            rows = zip(words, counts, strict=True)
            file.writelines(f"{word}\t{count}\n" for word, count in rows)
