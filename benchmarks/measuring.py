"""Utilities of the benchmarks: timing of commands, tables, and JSON output."""

import json
import math
import os
import pty
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import click

REPOSITORY = Path(__file__).resolve().parent.parent

_TICKS = os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A measured command failed or reported too little progress to be timed."""


@dataclass(frozen=True)
class Reading:
    """The progress of a command at one point in time.

    Attributes:
        count: The progress counter of the command, such as training steps.
        seconds: The wall-clock time in seconds.
        cpu_seconds: The CPU time in seconds of the command and its child processes.
    """

    count: int
    seconds: float
    cpu_seconds: float


def run(command: Sequence[str | os.PathLike], log: Path, **environment: str):
    """Runs a command and writes its output to a log file.

    Args:
        command: The program and its arguments.
        log: The log file to append to.
        **environment: Additional environment variables.

    Returns:
        The wall-clock and the CPU seconds.

    Raises:
        CommandError: If it fails.
    """
    readings = watch(command, log, lambda text: None, **environment)
    return readings[-1].seconds - readings[0].seconds, readings[-1].cpu_seconds


def watch(
    command: Sequence[str | os.PathLike],
    log: Path,
    progress: Callable[[str], int | None],
    max_cpu_seconds: float = math.inf,
    **environment: str,
) -> list[Reading]:
    """Runs a command in a pseudo-terminal and times its progress output.

    Args:
        command: The program and its arguments.
        log: The log file to append to.
        progress: Function that returns the progress counter in a piece of output, or `None`.
        max_cpu_seconds: Stop the command at the first reading after this CPU time.
        **environment: Additional environment variables.

    Returns:
        A reading at the start, one after each change of the counter, and one at the end.

    Raises:
        CommandError: If the command fails.
    """
    main, terminal = pty.openpty()
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", "TERM": "xterm", "COLUMNS": "200"}
    started = perf_counter()
    process = subprocess.Popen(
        [os.fspath(part) for part in command],
        env={**variables, **environment},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    readings = [Reading(0, started, 0.0)]
    stopped = False
    with open(log, "ab", buffering=0) as file:
        for chunk in iter(lambda: _read(main), b""):
            now = perf_counter()
            file.write(chunk)
            count = progress(chunk.decode(errors="replace"))
            if count is not None and count > readings[-1].count:
                readings.append(Reading(count, now, _cpu_seconds(process.pid)))
                if readings[-1].cpu_seconds > max_cpu_seconds and not stopped:
                    process.terminate()
                    stopped = True
    os.close(main)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not stopped:
        raise CommandError(f"{command[0]} failed; see the end of {log}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    readings.append(Reading(readings[-1].count, perf_counter(), cpu_seconds))
    return readings


def steady(readings: Sequence[Reading], warm_up: int) -> tuple[Reading, Reading]:
    """Returns the first and the last reading of the timed part.

    Args:
        readings: The readings from `watch`.
        warm_up: The count at which the timed part starts.

    Raises:
        CommandError: If there are fewer than two readings after the warm-up.
    """
    counted = [reading for reading in readings[:-1] if reading.count >= warm_up]
    if len(counted) < 2:
        raise CommandError(
            f"expected at least 2 readings after {warm_up} steps, got {len(counted)}; increase the "
            "number of steps"
        )
    return counted[0], counted[-1]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux raises EIO when the other end of the terminal is closed.
        return b""


def _cpu_seconds(pid: int) -> float:
    """Returns the CPU time of a process and all its descendants, running or ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # The process has just ended.
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_cpu_seconds, map(int, children)))


def in_own_process(script: str, arguments: dict, **environment: str) -> dict:
    """Runs `script --child ARGUMENTS` in a separate process, to measure its memory.

    Args:
        script: The path of a benchmark, which reads its arguments and prints its result as JSON.
        arguments: The arguments.
        **environment: Additional environment variables.

    Returns:
        The result.

    Raises:
        SystemExit: If the process fails, with its error output.
    """
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    child = subprocess.run(
        [sys.executable, script, "--child", json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
    )
    if child.returncode:
        raise SystemExit(f"{script} --child '{json.dumps(arguments)}' failed:\n{child.stderr}")
    return json.loads(child.stdout.splitlines()[-1])


def text_options(command: Callable) -> Callable:
    """Adds the options of the training and dev text to a command."""
    for name in ("dev_target", "dev_source", "train_target", "train_source"):
        command = click.option(f"--{name}", required=True, type=click.Path(exists=True))(command)
    return command


def use_cores(count: int):
    """Restricts this process and its children to the first cores of the machine."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def own_peak_mb() -> float:
    """Returns the peak memory of this process in MB (10**6 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def median(values: Iterable[float]) -> float:
    """Returns the median of some values."""
    return statistics.median(values)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence]):
    """Prints a table in Markdown."""
    print(f"\n{title}\n")
    print(f"| {' | '.join(header)} |")
    print("|---" * len(header) + "|")
    for row in rows:
        print(f"| {' | '.join(map(_format, row))} |", flush=True)


def print_json(benchmark: str, **figures):
    """Prints all results, and a description of the machine, as one line of JSON."""
    print(json.dumps({"benchmark": benchmark, "machine": machine(), **figures}), flush=True)


def machine() -> dict:
    """Returns the CPU model, the number of available cores, and the load average."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else "unknown",
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
    }


def _format(value) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
