import subprocess
import sys


def test_ends_with_its_error_while_its_chief_lives(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_seq2seq.tuning.worker", tmp_path],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        lines = process.stderr.read().splitlines()
    assert process.returncode == 2
    assert lines[-1] == f"{tmp_path}: holds no search (there is no search.yaml)"


def test_ends_with_its_chief(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", "from keras_seq2seq.tuning import worker; worker._end_with_chief()"],
        stdin=subprocess.PIPE,
    )
    process.stdin.close()
    assert process.wait() == 1
