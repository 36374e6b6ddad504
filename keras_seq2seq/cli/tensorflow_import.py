"""Importing tensorflow as the commands want it."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from keras_seq2seq.cores import count_cores

_LEVEL, _ERRORS = "TF_CPP_MIN_LOG_LEVEL", "3"
_THREADS = "TF_NUM_INTRAOP_THREADS"
_CHOICES = {
    # Memory of tensors is kept for the next ones, rather than given back to the system, the large
    # ones at once, as the C library does: steps are faster, and memory stays flat.
    "TF_CPU_ALLOCATOR_USE_BFC": "true",
    # The products of oneDNN, which TensorFlow takes by itself on the newest processors only.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def import_tensorflow(batches_at_once: bool = False):
    """Imports tensorflow, which logs errors only from then on, and is quick on a CPU.

    Call it in a command before anything that imports tensorflow. Whoever sets
    TF_CPP_MIN_LOG_LEVEL to a lower level than 3 sees what tensorflow logs. The other environment
    variables set here are left as they are where they are set already.

    Args:
        batches_at_once: Whether the command works on as many batches at once as there are cores,
            each of which then keeps to its own, rather than on one with all of them.
    """
    # A training step on two cores gives each a half of the batch; on more that was not measured.
    choices = {**_CHOICES, _THREADS: "1"} if batches_at_once or count_cores() <= 2 else _CHOICES
    for name, value in choices.items():
        os.environ.setdefault(name, value)
    is_quiet = os.environ.setdefault(_LEVEL, _ERRORS) == _ERRORS
    # The level alone does not do: some lines are logged before it is read.
    is_first = "tensorflow" not in sys.modules
    with (
        _muted_standard_error() if is_quiet else nullcontext(),
        _kept_for_good() if is_first else nullcontext(),
    ):
        import tensorflow
    if is_quiet:
        tensorflow.get_logger().setLevel("ERROR")


@contextmanager
def _muted_standard_error() -> Iterator[None]:
    """Sends what is written to file descriptor 2, by C++ code too, nowhere."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _kept_for_good() -> Iterator[None]:
    """Has the garbage collector leave alone what is made in the block, and before.

    An import makes hundreds of thousands of objects and next to no garbage, but each full
    collection goes through all of them: several times during the import, and when Python ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
