import os
import subprocess
import sys

import pytest

NAMES = ("TF_CPU_ALLOCATOR_USE_BFC", "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS")


def run(code, **chosen):
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, "-c", f"import os, keras_seq2seq\n{code}"],
        env=environment | chosen, capture_output=True, text=True,
    )  # fmt: skip


def test_sets_what_the_command_line_sets():
    code = f"keras_seq2seq.configure_tensorflow(True); print(*map(os.environ.get, {NAMES}))"
    assert run(code).stdout.split() == ["true", "1", "1"]
    assert run(code, TF_NUM_INTRAOP_THREADS="3").stdout.split() == ["true", "1", "3"]


@pytest.mark.parametrize(("first", "is_late"), [("pass", False), ("tf.constant(1)", True)])
def test_reports_that_it_is_too_late(first, is_late):
    code = (
        f"import tensorflow as tf\n{first}\nkeras_seq2seq.configure_tensorflow(True)\n"
        "tf.constant(1)\nkeras_seq2seq.configure_tensorflow(True)\n"
        "print(tf.config.threading.get_intra_op_parallelism_threads())"
    )
    result = run(code)
    if is_late:
        assert "RuntimeError: configure_tensorflow() was called after" in result.stderr
    else:
        assert result.stdout.strip() == "1"
