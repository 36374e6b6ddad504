import os
import subprocess
import sys

import pytest

LOGGING = """
from keras_seq2seq.cli.tensorflow_import import import_tensorflow
import_tensorflow()
import tensorflow as tf
tf.constant(1)
tf.get_logger().warning("slow")
import sys
print("after", file=sys.stderr)
"""

ALLOCATING = """
from keras_seq2seq.cli.tensorflow_import import import_tensorflow
import_tensorflow()
import tensorflow as tf
numbers = tf.ones((1000, 1000))
# TensorFlow knows what it has allocated itself, and nothing of what the C library has.
print(tf.config.experimental.get_memory_info("CPU:0")["current"])
"""


@pytest.mark.parametrize(("level", "is_quiet"), [(None, True), ("3", True), ("0", False)])
def test_log_lines_do_not_reach_the_user_unless_asked_for(level, is_quiet):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    if level is not None:
        environment["TF_CPP_MIN_LOG_LEVEL"] = level
    result = subprocess.run(
        [sys.executable, "-c", LOGGING], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stderr.endswith("after\n")
    assert (result.stderr == "after\n") == is_quiet


@pytest.mark.parametrize("choice", [None, "false"])
def test_tensorflow_allocates_memory_itself_unless_told_not_to(choice):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPU_ALLOCATOR_USE_BFC"}
    # With oneDNN, TensorFlow knows what is allocated in any case.
    environment["TF_ENABLE_ONEDNN_OPTS"] = "0"
    if choice is not None:
        environment["TF_CPU_ALLOCATOR_USE_BFC"] = choice
    result = subprocess.run(
        [sys.executable, "-c", ALLOCATING], env=environment, capture_output=True, text=True
    )
    if choice is None:
        assert int(result.stdout) >= 4_000_000
    else:
        assert "Allocator stats not available" in result.stderr


@pytest.mark.parametrize(("chosen", "expected"), [(None, "1"), ("3", "3")])
def test_batches_at_once_have_a_core_each_unless_told_otherwise(chosen, expected):
    name = "TF_NUM_INTRAOP_THREADS"
    environment = {k: v for k, v in os.environ.items() if k != name}
    if chosen is not None:
        environment[name] = chosen
    code = (
        "from keras_seq2seq.cli.tensorflow_import import import_tensorflow\n"
        "import_tensorflow(batches_at_once=True)\n"
        f"import os; print(os.environ['{name}'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == expected


def test_packages_that_no_command_uses_are_not_imported():
    code = (
        "import sys\n"
        "from keras_seq2seq.cli.tensorflow_import import import_tensorflow\n"
        "import_tensorflow()\n"
        "print({'keras', 'matplotlib', 'scipy', 'sklearn'} & sys.modules.keys())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "{'keras'}"


def test_these_packages_can_be_imported_afterwards():
    code = (
        "import io\n"
        "from keras_seq2seq.cli.tensorflow_import import import_tensorflow\n"
        "import_tensorflow()\n"
        "import keras_tuner\n"
        # The Gaussian process of KerasTuner needs scipy and scikit-learn.
        "oracle = keras_tuner.oracles.BayesianOptimizationOracle('val_loss', max_trials=3)\n"
        "print(oracle.gpr.fit([[0.0], [1.0]], [0.0, 1.0]).predict([[1.0]]).shape)\n"
        "from matplotlib.figure import Figure\n"
        "Figure().savefig(image := io.BytesIO(), format='png')\n"
        "import tensorflow as tf\n"
        "print(tf.io.decode_png(image.getvalue()).ndim)\n"
        "import keras_seq2seq.tuning.report\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["(1,)", "3"]


def test_what_the_import_makes_is_left_alone_by_the_garbage_collector():
    code = (
        "import gc\n"
        "from keras_seq2seq.cli.tensorflow_import import import_tensorflow\n"
        "import_tensorflow()\n"
        "print(len(gc.get_objects()) < 10_000 < gc.get_freeze_count(), gc.isenabled())\n"
        "made_later = [[]]\n"
        "import_tensorflow()\n"
        "print(any(made is made_later for made in gc.get_objects()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["True", "True", "True"]


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({"KERAS_BACKEND": "nonsense", "KERAS_MAX_EPOCHS": "1"}, "{}"),
        ({"KERAS_BACKEND": "jax"}, '{"floatx": "float16", "image_data_format": "channels_first"}'),
        pytest.param({}, '{"backend": "torch", "floatx": "float128"}', marks=pytest.mark.slow),
        pytest.param({}, "[1]", marks=pytest.mark.slow),
        ({}, "\\xff"),
    ],
)
def test_settings_of_keras_are_ignored(tmp_path, variables, settings):
    (tmp_path / "keras.json").write_bytes(settings.encode("latin-1"))
    code = (
        "from keras_seq2seq.cli.tensorflow_import import import_tensorflow\n"
        "import_tensorflow()\n"
        "import keras\n"
        "print(keras.config.backend(), keras.config.floatx(), keras.config.image_data_format())\n"
    )
    environment = {**os.environ, "KERAS_HOME": os.fspath(tmp_path), **variables}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["tensorflow", "float32", "channels_last"]
