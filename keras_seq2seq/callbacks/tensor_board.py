"""Curves for TensorBoard."""

import os

import tensorflow as tf


class TensorBoard:
    """Writes the records of `Evaluation` so that train and dev share a chart.

    `keras.callbacks.TensorBoard` counts epochs; this one counts steps.

    Args:
        log_dir: The directory for `tensorboard --logdir`.

    Example:
        >>> board = TensorBoard("logs")
        >>> model.fit(train, callbacks=[Evaluation(dev, observers=[board.write])])
    """

    def __init__(self, log_dir: str | os.PathLike):
        self._writers = {
            side: tf.summary.create_file_writer(os.path.join(log_dir, side))
            for side in ("train", "dev")
        }

    def write(self, record: dict):
        """Writes one evaluation's figures."""
        for side, writer in self._writers.items():
            with writer.as_default(step=record["step"]):
                for name, value in record.items():
                    if name.startswith(f"{side}_"):
                        tf.summary.scalar(name.removeprefix(f"{side}_"), value)
        with self._writers["train"].as_default(step=record["step"]):
            tf.summary.scalar("learning_rate", record["learning_rate"])
            tf.summary.scalar("target_tokens_per_second", record["tokens"] / record["seconds"])
        for writer in self._writers.values():
            writer.flush()
