import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "benchmarks" / "kill_test.py"


@pytest.mark.slow
def test_a_run_that_is_killed_ends_like_one_that_is_not():
    command = [sys.executable, SCRIPT, "--kills=4", "--train_steps=60"]
    # As the command has it on two cores.
    environment = {**os.environ, "TF_NUM_INTEROP_THREADS": "2", "TF_NUM_INTRAOP_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "all the same, bit for bit"
    kills = [line for line in done.stdout.splitlines() if line.startswith("kill ")]
    assert len(kills) == 4
    assert any(": checkpoint, " in line for line in kills)
