"""Importing tensorflow without its log lines."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

_LEVEL, _ERRORS = "TF_CPP_MIN_LOG_LEVEL", "3"


def import_tensorflow():
    """Imports tensorflow, which logs errors only from then on.

    Call it in a command before anything that imports tensorflow. Whoever sets
    TF_CPP_MIN_LOG_LEVEL to a lower level than 3 sees what tensorflow logs.
    """
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
