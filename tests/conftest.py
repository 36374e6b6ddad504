"""What holds for all tests."""

import gc
import os

from keras_seq2seq.tensorflow_settings import count_cores

# No log lines of TensorFlow, which tests of commands would find among their output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Threads as TensorFlow has them by itself. Commands that are run in the process of the tests would
# choose others for all that come after.
for name in ("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(name, str(count_cores()))


def pytest_collection_finish():
    """Spares collections what was imported, which takes a tenth of the time of the tests."""
    gc.freeze()
