"""Importing TensorFlow with the settings for the command line."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from keras_seq2seq.errors import UserError
from keras_seq2seq.tensorflow_settings import set_environment

_LEVEL, _ERRORS = "TF_CPP_MIN_LOG_LEVEL", "3"


def import_tensorflow(batches_at_once: bool = False):
    """Imports TensorFlow, configured to be fast on CPUs and to log errors only.

    Commands call this before anything else imports TensorFlow. Environment variables that are set
    already keep their values; set TF_CPP_MIN_LOG_LEVEL to less than 3 to see TensorFlow's log.

    Args:
        batches_at_once: Whether the command processes one batch per core in parallel, each on a
            single thread, instead of one batch on all cores.

    Raises:
        UserError: If `KERAS_BACKEND` selects another backend, or TensorFlow is not installed.
    """
    # Takes precedence over Keras's configuration file.
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(
            f"KERAS_BACKEND={backend}: the command line needs TensorFlow; remove the variable, or "
            "use Translator and Scorer in Python"
        )
    set_environment(batches_at_once)
    is_quiet = os.environ.setdefault(_LEVEL, _ERRORS) == _ERRORS
    # The level alone is not enough: TensorFlow logs some lines before reading it.
    is_first = "tensorflow" not in sys.modules
    with (
        _muted_standard_error() if is_quiet else nullcontext(),
        _kept_for_good() if is_first else nullcontext(),
    ):
        try:
            import tensorflow
        except ModuleNotFoundError as error:
            raise UserError("the command line needs TensorFlow: pip install tensorflow") from error
    if is_quiet:
        tensorflow.get_logger().setLevel("ERROR")


@contextmanager
def _muted_standard_error() -> Iterator[None]:
    """Discards everything written to file descriptor 2, including by C++ code."""
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
    """Excludes all objects created in the block, and earlier ones, from garbage collection.

    The import creates hundreds of thousands of objects and almost no garbage, but each full
    collection visits all of them: several times during the import and once when Python exits.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
