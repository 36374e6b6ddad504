"""What the benchmarks share: running and clocking commands, tables, and one line of JSON."""

import json
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

REPOSITORY = Path(__file__).resolve().parent.parent

_TICKS = os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A measured command failed, or said too little to be clocked."""


@dataclass(frozen=True)
class Reading:
    """What a command had done at one moment.

    Attributes:
        count: Its own counter, such as training steps.
        seconds: The time by our clock.
        cpu_seconds: Processor time of it and the processes that it started.
    """

    count: int
    seconds: float
    cpu_seconds: float


def run(command: Sequence[str | os.PathLike], log: Path, **environment: str):
    """Runs a command to its end, its output in a log file.

    Returns:
        The seconds it took, and the processor's seconds.

    Raises:
        CommandError: If it fails.
    """
    readings = watch(command, log, lambda text: None, **environment)
    return readings[-1].seconds - readings[0].seconds, readings[-1].cpu_seconds


def watch(
    command: Sequence[str | os.PathLike],
    log: Path,
    progress: Callable[[str], int | None],
    **environment: str,
) -> list[Reading]:
    """Runs a command under a terminal of ours, and clocks what it says of its progress.

    Args:
        command: The program and its arguments.
        log: Where its output goes.
        progress: Finds the program's counter in a piece of output, or `None`.
        environment: Variables set for it.

    Returns:
        A reading at the start, one whenever the counter had changed, and one at the end.

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
    with open(log, "ab", buffering=0) as file:
        for chunk in iter(lambda: _read(main), b""):
            now = perf_counter()
            file.write(chunk)
            count = progress(chunk.decode(errors="replace"))
            if count is not None and count > readings[-1].count:
                readings.append(Reading(count, now, _cpu_seconds(process.pid)))
    os.close(main)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandError(f"{command[0]} failed; see the end of {log}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    readings.append(Reading(readings[-1].count, perf_counter(), cpu_seconds))
    return readings


def steady(readings: Sequence[Reading], warm_up: int) -> tuple[Reading, Reading]:
    """Returns the first reading after the warm-up, and the one at which the counting ended."""
    counted = [reading for reading in readings[:-1] if reading.count >= warm_up]
    if len(counted) < 2:
        raise CommandError(
            f"{len(counted)} readings after {warm_up}; expected at least 2: run for longer"
        )
    return counted[0], counted[-1]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux tells that nobody is at the other end any more
        return b""


def _cpu_seconds(pid: int) -> float:
    """Returns the processor time of a process and its descendants, living or ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has just ended
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_cpu_seconds, map(int, children)))


def in_own_process(script: str, arguments: dict, **environment: str) -> dict:
    """Runs `script --child ARGUMENTS`, both ways as JSON, so that its memory is its own.

    Args:
        script: The file of a benchmark.
        arguments: What it is given.
        environment: Variables set for it.

    Raises:
        SystemExit: If it fails, with what it said.
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


def use_cores(count: int):
    """Keeps this process, and those that it starts, to the first cores of the machine."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def own_peak_mb() -> float:
    """Returns the most memory that this process has had, in MB (10**6 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def median(values: Iterable[float]) -> float:
    """Returns the median."""
    return statistics.median(values)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence]):
    """Prints a table in Markdown."""
    print(f"\n{title}\n")
    print(f"| {' | '.join(header)} |")
    print("|---" * len(header) + "|")
    for row in rows:
        print(f"| {' | '.join(map(_format, row))} |", flush=True)


def print_json(benchmark: str, **figures):
    """Prints everything measured, and on what machine, as one line."""
    print(json.dumps({"benchmark": benchmark, "machine": machine(), **figures}), flush=True)


def machine() -> dict:
    """Returns what the figures depend on: processor, cores in use, load."""
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
