"""The processes and devices that train one model together."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import tensorflow as tf

from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.models import Seq2Seq

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class Workers:
    """What `TF_CONFIG` and the visible GPUs say, made into a strategy of `tf.distribute`.

    It has to be made before TensorFlow has done anything: processes find each other first.

    Args:
        devices: Names of the devices of this process, such as `["GPU:0", "GPU:1"]`, where
            `TF_CONFIG` names no other processes. Defaults to all GPUs.

    Attributes:
        strategy: `MultiWorkerMirroredStrategy` for several processes, `MirroredStrategy` for
            several GPUs in one, the default one otherwise.
        processes: Integer.
        index: Integer, the number of this process, 0 for the chief, which alone writes.
        replicas: Integer, the devices of all processes, each of which takes a part of a batch.

    Raises:
        UserError: If `TF_CONFIG` is none, or TensorFlow is already at work.
    """

    def __init__(self, devices: Sequence[str] | None = None):
        self.processes, self.index = _read_tf_config()
        if devices is None and self.processes == 1:
            gpus = tf.config.list_logical_devices("GPU")
            devices = [device.name for device in gpus]
        if self.processes > 1:
            try:
                self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
            except RuntimeError as error:
                raise UserError(f"several workers must be set up first: {error}") from error
        elif len(devices) > 1:
            self.strategy = tf.distribute.MirroredStrategy(devices)
        else:
            self.strategy = tf.distribute.get_strategy()
        self.replicas = self.strategy.num_replicas_in_sync

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.index == 0

    @property
    def parts(self) -> range:
        """The parts of a batch that this process takes."""
        local = self.replicas // self.processes
        return range(self.index * local, (self.index + 1) * local)

    def any(self, answer: bool) -> bool:
        """Returns whether one of the processes has said yes. All have to ask together."""
        return self._sum(float(answer)) > 0

    def of_chief(self, value: float) -> float:
        """Returns the chief's value. All have to ask together."""
        return self._sum(value if self.is_chief else 0.0)

    def spread(
        self, dataset: tf.data.Dataset
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Returns the elements in groups, one for each device of this process."""
        if self.replicas == 1:
            return dataset
        return self.strategy.distribute_datasets_from_function(lambda context: dataset)

    def vary_seeds(self, model: Seq2Seq):
        """Gives each process dropout of its own, which is that of the chief to begin with."""
        for layer in model._flatten_layers() if self.index else ():
            for generator in layer._seed_generators:
                seed, counter = generator.state.numpy()
                generator.state.assign([seed + self.index, counter])

    def without_replicas(self, model: Seq2Seq) -> Seq2Seq:
        """Returns a model that is on one device, the same one if it is there already."""
        if self.replicas == 1:
            return model
        copy = type(model).from_config(model.get_config())
        copy.set_weights(model.get_weights())
        return copy

    @contextmanager
    def held_together(self) -> Iterator[None]:
        """Makes the loss of a worker a `RunError`."""
        try:
            yield
        except _LOST as error:
            if self.processes == 1:
                raise
            raise RunError(
                f"lost the connection to another worker ({str(error).splitlines()[0]}); start all "
                "workers again: the same command goes on from the last checkpoint"
            ) from error

    def _sum(self, value: float) -> float:
        if self.processes == 1:
            return value
        local = self.replicas // self.processes
        # Exact where all but one are zero.
        return float(_sum_over_replicas(self.strategy, tf.constant(value, "float64"))) / local


@tf.function
def _sum_over_replicas(strategy, value):
    # The copies of the value have a device, which tells where the sum has to go.
    copies = strategy.run(lambda: tf.identity(value))
    return strategy.reduce("SUM", copies, axis=None)


def _read_tf_config() -> tuple[int, int]:
    """Returns the number of processes and the number of this one."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        tf_config = json.loads(text or "{}")
        cluster = tf_config.get("cluster", {})
        if others := set(cluster) - {"chief", "worker"}:
            raise ValueError(f"no use for a {min(others)}")
        chiefs, workers = len(cluster.get("chief", [])), len(cluster.get("worker", []))
        if chiefs + workers <= 1:
            return 1, 0
        task, index = tf_config["task"]["type"], int(tf_config["task"]["index"])
        if task not in cluster:
            raise ValueError(f"there is no {task} in the cluster")
        return chiefs + workers, index + (chiefs if task == "worker" else 0)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"TF_CONFIG: {error}; expected "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
        ) from error
