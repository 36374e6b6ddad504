"""Importing TensorFlow with the settings for the command line."""

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.standard_streams import muted_standard_error
from keras_seq2seq.tensorflow_settings import set_environment

_LEVEL, _ERRORS = "TF_CPP_MIN_LOG_LEVEL", "3"
_KERAS = {
    "KERAS_BACKEND": "tensorflow",
    # Not a directory, so that Keras neither reads nor writes a file of settings there.
    "KERAS_HOME": os.devnull,
}

# What TensorFlow and Keras import if it is installed, for features that no command uses: galleries
# of images, DataFrames in `fit`, wrappers for scikit-learn and conversion from JAX. In this
# process, Keras then lacks these. All other code can import the packages afterwards.
_UNUSED = ("cv2", "jax", "matplotlib", "pandas", "scipy", "sklearn")


def import_tensorflow(batches_at_once: bool = False):
    """Imports TensorFlow and Keras, configured to be fast on CPUs and to log errors only.

    Commands call this before anything else imports TensorFlow or Keras. Environment variables of
    TensorFlow that are set already keep their values; set TF_CPP_MIN_LOG_LEVEL to less than 3 to
    see TensorFlow's log. The user's settings of Keras (the variables KERAS_* and keras.json) are
    ignored: the options of a run alone determine its backend and its dtypes.

    Args:
        batches_at_once: Whether the command processes one batch per core in parallel, each on a
            single thread, instead of one batch on all cores.

    Raises:
        UserError: If TensorFlow is not installed.
    """
    set_environment(batches_at_once)
    for name in [name for name in os.environ if name.startswith("KERAS_")]:
        del os.environ[name]
    os.environ.update(_KERAS)
    is_quiet = os.environ.setdefault(_LEVEL, _ERRORS) == _ERRORS
    # The level alone is not enough: TensorFlow logs some lines before reading it.
    is_first = "tensorflow" not in sys.modules
    with (
        muted_standard_error() if is_quiet else nullcontext(),
        _kept_for_good() if is_first else nullcontext(),
        _hidden(_UNUSED),
    ):
        try:
            import keras  # noqa: F401
            import tensorflow
        except ModuleNotFoundError as error:
            raise UserError("the command line needs TensorFlow: pip install tensorflow") from error
    if is_quiet:
        tensorflow.get_logger().setLevel("ERROR")


@contextmanager
def _hidden(names: Sequence[str]) -> Iterator[None]:
    """Makes packages that are not imported yet appear as not installed within the block."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


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
