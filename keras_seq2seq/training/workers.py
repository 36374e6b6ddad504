"""The processes and devices of a training run."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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
    """A `tf.distribute` strategy for the processes of `TF_CONFIG` and the visible GPUs.

    It must be created before any other use of TensorFlow, since the processes connect first.

    Args:
        devices: Names of the devices of this process, such as `["GPU:0", "GPU:1"]`, if `TF_CONFIG`
            names no other processes. Defaults to all GPUs.

    Attributes:
        strategy: `MultiWorkerMirroredStrategy` for several processes, `MirroredStrategy` for
            several GPUs in one process, otherwise the default strategy.
        processes: Integer, the number of processes.
        index: Integer, the index of this process; 0 is the chief, the only one that writes.
        replicas: Integer, the number of devices of all processes. Each batch is split into as
            many shards.

    Raises:
        UserError: If `TF_CONFIG` is invalid, or TensorFlow has been used already.
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
                raise UserError(
                    f"workers must be set up before other uses of TensorFlow: {error}"
                ) from error
        elif len(devices) > 1:
            self.strategy = tf.distribute.MirroredStrategy(devices)
        else:
            self.strategy = tf.distribute.get_strategy()
        self.replicas = self.strategy.num_replicas_in_sync

    @property
    def is_chief(self) -> bool:
        """Whether this process is the chief, which writes all files."""
        return self.index == 0

    @property
    def shards(self) -> range:
        """The indices of the shards of each batch that this process trains on."""
        local = self.replicas // self.processes
        return range(self.index * local, (self.index + 1) * local)

    def any(self, answer: bool) -> bool:
        """Returns whether `answer` is true in any process. All processes must call it together."""
        return self._sum(float(answer)) > 0

    def of_chief(self, value: float) -> float:
        """Returns the value of the chief. All processes must call it together."""
        return self._sum(value if self.is_chief else 0.0)

    def spread(
        self, dataset: tf.data.Dataset
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Distributes the elements over the devices of this process."""
        if self.replicas == 1:
            return dataset
        return self.strategy.distribute_datasets_from_function(lambda context: dataset)

    def vary_seeds(self, model: Seq2Seq):
        """Gives each process different dropout seeds, derived from those of the chief."""
        for layer in model._flatten_layers() if self.index else ():
            for generator in layer._seed_generators:
                seed, counter = generator.state.numpy()
                generator.state.assign([seed + self.index, counter])

    def without_replicas(self, model: Seq2Seq) -> Seq2Seq:
        """Returns a copy of the model on one device, or the model itself if there is only one."""
        if self.replicas == 1:
            return model
        copy = type(model).from_config(model.get_config())
        copy.set_weights(model.get_weights())
        return copy

    @contextmanager
    def report_lost_workers(self) -> Iterator[None]:
        """Raises a `RunError` if the connection to another worker is lost within the block."""
        try:
            yield
        except _LOST as error:
            if self.processes == 1:
                raise
            raise RunError(
                f"lost the connection to another worker ({str(error).splitlines()[0]}); restart "
                "all workers with the same commands to resume from the last checkpoint"
            ) from error

    def _sum(self, value: float) -> float:
        if self.processes == 1:
            return value
        local = self.replicas // self.processes
        # Exact if all values but one are zero.
        return float(_sum_over_replicas(self.strategy, tf.constant(value, "float64"))) / local


@tf.function
def _sum_over_replicas(strategy, value):
    # The copies are on a device, which determines where they are summed.
    copies = strategy.run(lambda: tf.identity(value))
    return strategy.reduce("SUM", copies, axis=None)


def _read_tf_config() -> tuple[int, int]:
    """Returns the number of processes and the index of this one."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        tf_config = json.loads(text or "{}")
        cluster = tf_config.get("cluster", {})
        if others := set(cluster) - {"chief", "worker"}:
            raise ValueError(f"unsupported task type {min(others)}")
        for name, addresses in cluster.items():
            _check_addresses(name, addresses)
        chiefs, workers = len(cluster.get("chief", [])), len(cluster.get("worker", []))
        if chiefs > 1:
            raise ValueError(f"the cluster has {chiefs} chiefs")
        if chiefs + workers <= 1:
            return 1, 0
        task, index = tf_config["task"]["type"], int(tf_config["task"]["index"])
        if task not in cluster:
            raise ValueError(f"the cluster has no {task}")
        if not 0 <= index < len(cluster[task]):
            raise ValueError(f"the cluster has no {task} {index}")
        return chiefs + workers, index + (chiefs if task == "worker" else 0)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"TF_CONFIG: {error}; expected "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
        ) from error


def _check_addresses(name: str, addresses: Any):
    if not isinstance(addresses, list):
        raise ValueError(f"{name} is not a list")
    for address in addresses:
        if not isinstance(address, str) or not re.fullmatch(r".+:[0-9]+", address):
            raise ValueError(f"{name} contains {json.dumps(address)}")
