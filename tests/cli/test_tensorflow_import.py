import os
import subprocess
import sys

import pytest

PROGRAM = """
from keras_seq2seq.cli.tensorflow_import import import_tensorflow
import_tensorflow()
import tensorflow as tf
tf.constant(1)
tf.get_logger().warning("slow")
import sys
print("after", file=sys.stderr)
"""


@pytest.mark.parametrize(("level", "is_quiet"), [(None, True), ("3", True), ("0", False)])
def test_log_lines_do_not_reach_the_user_unless_asked_for(level, is_quiet):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    if level is not None:
        environment["TF_CPP_MIN_LOG_LEVEL"] = level
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stderr.endswith("after\n")
    assert (result.stderr == "after\n") == is_quiet
