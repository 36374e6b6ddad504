import os
import sys

import pytest
from measuring import CommandError, Reading, in_own_process, print_table, run, steady, watch

# Waits until each step has been read, so that steps are read one at a time.
COUNT = """
cd "$0"
for i in 1 2 3; do
    printf 'step %d/3\\r' $i
    while [ ! -e read-$i ]; do sleep 0.05; done
done
echo done
"""

BURN = """
import pathlib, sys, time
while time.process_time() < 0.3: pass
print("step 1", flush=True)
while not pathlib.Path(sys.argv[1], "read-1").exists(): time.sleep(0.05)
"""


@pytest.fixture
def progress(tmp_path):
    """Finds the step in a piece of output, and lets the command continue."""

    def find(text):
        if "step " not in text:
            return None
        count = int(text.rpartition("step ")[2][0])
        (tmp_path / f"read-{count}").touch()
        return count

    return find


def test_a_command_is_timed_by_its_output(tmp_path, progress):
    readings = watch(["sh", "-c", COUNT, tmp_path], tmp_path / "log", progress)
    assert [reading.count for reading in readings] == [0, 1, 2, 3, 3]
    seconds = [reading.seconds for reading in readings]
    assert seconds == sorted(set(seconds))
    assert (tmp_path / "log").read_bytes() == b"step 1/3\rstep 2/3\rstep 3/3\rdone\r\n"


def test_cpu_time_includes_child_processes(tmp_path, progress):
    shell = ["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", BURN, tmp_path]
    readings = watch(shell, tmp_path / "log", progress)
    assert 0.25 < readings[1].cpu_seconds <= readings[-1].cpu_seconds


def test_a_failed_command_is_an_error_with_its_log(tmp_path):
    with pytest.raises(CommandError, match=f"see the end of {tmp_path}/log"):
        run(["sh", "-c", "echo away; exit 3"], tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == b"away\r\n"


def test_environment_variables_are_set(tmp_path):
    run(["sh", "-c", 'test "$COLOR" = green'], tmp_path / "log", COLOR="green")


def test_the_warm_up_and_the_end_are_not_timed():
    readings = [Reading(count, seconds, 0.0) for count, seconds in ((0, 0), (5, 9), (10, 10))]
    readings += [Reading(20, 12, 0.0), Reading(20, 99, 0.0)]
    assert steady(readings, 10) == (Reading(10, 10, 0.0), Reading(20, 12, 0.0))
    with pytest.raises(CommandError, match="at least 2 readings after 15 steps, got 1"):
        steady(readings, 15)


def test_a_script_runs_in_its_own_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys\n"
        "arguments = json.loads(sys.argv[2])\n"
        "print(json.dumps([sys.argv[1], arguments, os.getppid()]))\n"
        "sys.exit('no such size' if arguments['size'] > 1 else 0)\n"
    )
    option, arguments, parent = in_own_process(str(script), {"size": 1})
    assert (option, arguments) == ("--child", {"size": 1})
    assert parent == os.getpid()
    with pytest.raises(SystemExit, match="no such size"):
        in_own_process(str(script), {"size": 2})


def test_tables_are_markdown(capsys):
    print_table("Speed", ("system", "ms"), [("one", 12.345), ("two", 12345.6), ("three", 7)])
    assert capsys.readouterr().out == (
        "\nSpeed\n\n| system | ms |\n|---|---|\n| one | 12.3 |\n| two | 12,346 |\n| three | 7 |\n"
    )
