import subprocess
import sys


def test_exits_with_its_own_error_while_the_chief_runs(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_seq2seq.tuning.worker", tmp_path],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        lines = process.stderr.read().splitlines()
    assert process.returncode == 2
    assert lines[-1] == f"{tmp_path}: contains no search (search.yaml is missing)"


def test_exits_when_its_chief_is_gone():
    module = "from keras_seq2seq.tuning import worker"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{module}; worker._exit_with_chief()"],
        stdin=subprocess.PIPE,
    )
    process.stdin.close()
    assert process.wait() == 1
