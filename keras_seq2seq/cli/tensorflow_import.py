"""Importing tensorflow as the commands want it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

_LEVEL, _ERRORS = "TF_CPP_MIN_LOG_LEVEL", "3"
# Keeps memory that it has had for the next tensors, instead of the C library, which gives the
# large ones back to the system: steps are faster, and memory stays flat.
_OWN_ALLOCATOR = "TF_CPU_ALLOCATOR_USE_BFC"


def import_tensorflow():
    """Imports tensorflow, which logs errors only and allocates memory itself from then on.

    Call it in a command before anything that imports tensorflow. Whoever sets
    TF_CPP_MIN_LOG_LEVEL to a lower level than 3 sees what tensorflow logs, and whoever sets
    TF_CPU_ALLOCATOR_USE_BFC to false has the C library allocate.
    """
    os.environ.setdefault(_OWN_ALLOCATOR, "true")
    is_quiet = os.environ.setdefault(_LEVEL, _ERRORS) == _ERRORS
    # The level alone does not do: some lines are logged before it is read.
    with _muted_standard_error() if is_quiet else nullcontext():
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
