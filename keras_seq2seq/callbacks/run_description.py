"""What a run is, for TensorBoard: its hyper-parameters and its graph."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api

from keras_seq2seq.models import Seq2Seq


class RunDescription:
    """Writes what does not change while a model trains, before `TensorBoard` writes its curves.

    Args:
        log_dir: The directory for `tensorboard --logdir` that `TensorBoard` writes to as well.

    Example:
        >>> description = RunDescription("logs")
        >>> description.write_hyper_parameters({"num_units": 256})
        >>> description.write_graph(model)
    """

    def __init__(self, log_dir: str | os.PathLike):
        self.log_dir = Path(log_dir)

    def write_hyper_parameters(self, values: Mapping):
        """Makes the run a line of the HParams tab, beside its dev figures.

        Args:
            values: Numbers, booleans and strings by name; others are written as text.
        """
        values = {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in values.items()
        }
        # TensorBoard looks for figures where the hyper-parameters are, and below, but does not
        # find those below its --logdir itself.
        with _step_0(self.log_dir / "dev"):
            # Without the time: two runs that are the same write the same.
            hparams_api.hparams(values, start_time_secs=0)

    def write_graph(self, model: Seq2Seq):
        """Writes the graph from ids to logits, which takes about as long as a first step."""
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
    """Opens a file of its own, whose writing is over before others begin."""
    writer = tf.summary.create_file_writer(str(directory))
    with writer.as_default(step=0):
        yield
    writer.close()
