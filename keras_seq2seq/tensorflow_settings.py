"""TensorFlow settings that make training and decoding faster on CPUs, and the number of cores."""

import os
import sys

_THREADS = "TF_NUM_INTRAOP_THREADS"
_CHOICES = {
    # Reuse the memory of tensors instead of returning it to the system as the C library does with
    # large blocks: steps are faster, and memory use stays flat.
    "TF_CPU_ALLOCATOR_USE_BFC": "true",
    # By default, TensorFlow uses the matrix products of oneDNN only on the newest CPUs.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def configure_tensorflow(batches_at_once: bool = False):
    """Applies the TensorFlow settings of the command line, which are made for CPUs.

    Call this once at the top of a script, before TensorFlow runs its first operation, and
    preferably before importing TensorFlow or Keras: the choice of matrix products has no effect
    afterwards. On two cores, each operation then runs on a single thread, and each half of a
    training batch on its own core. Environment variables that are set already keep their values.

    Args:
        batches_at_once: Boolean, whether each operation runs on a single thread with more than two
            cores too. That is faster if the script only decodes, since a `Translator` processes
            several batches in parallel.

    Raises:
        RuntimeError: If TensorFlow has run operations with other settings.

    Example:

    >>> import keras_seq2seq
    >>> keras_seq2seq.configure_tensorflow()
    >>> import keras
    """
    set_environment(batches_at_once)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or _THREADS not in os.environ:
        return
    # The variable has no effect on a runtime that has started, which only this call reports.
    threads = int(os.environ[_THREADS])
    threading = tensorflow.config.threading
    if threading.get_intra_op_parallelism_threads() in (0, threads):
        try:
            threading.set_intra_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise RuntimeError(
                "configure_tensorflow() was called after TensorFlow had run its first operation; "
                "call it at the top of the script"
            ) from error


def set_environment(batches_at_once: bool = False):
    """Sets the environment variables that TensorFlow reads, unless they are set already.

    Args:
        batches_at_once: See `configure_tensorflow`.
    """
    # With two cores, a training step processes half of the batch on each. More were not measured.
    is_single = batches_at_once or count_cores() <= 2
    for name, value in (_CHOICES | ({_THREADS: "1"} if is_single else {})).items():
        os.environ.setdefault(name, value)


def count_cores() -> int:
    """Returns the number of CPU cores available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
