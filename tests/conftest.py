"""What holds for all tests."""

import gc
import os
from contextlib import contextmanager

import pytest

from keras_seq2seq.tensorflow_settings import count_cores

# No log lines of TensorFlow, which tests of commands would find among their output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Threads as TensorFlow has them by itself. Commands that are run in the process of the tests would
# choose others for all that come after.
for name in ("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(name, str(count_cores()))


@pytest.fixture
def without_privileges(tmp_path, monkeypatch):
    """A context manager in which permissions count for root, too, in the working directory."""
    # Relative paths, since the directories above belong to root.
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)

    @contextmanager
    def change_user():
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return change_user


def pytest_collection_finish():
    """Spares collections what was imported, which takes a tenth of the time of the tests."""
    gc.freeze()
