"""Runs commands as processes, interrupts them at random moments, and reads what they have written.

Content that differs from run to run, such as times, is left out.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import tensorflow as tf
import yaml

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)

# The exit status of commands that have handled a signal.
INTERRUPTED = 130

# Longer than any command takes on a busy machine.
_TIMEOUT = 300

# Temporary names of this package, of TensorFlow and of model files that are being written.
_TEMPORARY = re.compile(r"\..*|.*_temp|.*\.tempstate\d+|checkpoint\.tmp.*")
# The function that runs first, in a traceback.
_IN_PROGRAM = re.compile(r'__main__\.py", line \d+, in main\n')

_CHECKPOINT = re.compile(r"checkpoint|ckpt-\d+\.(index|data-.*)")


@dataclass(frozen=True)
class Command:
    """A command that writes something.

    Attributes:
        arguments: Its words. In these, `{out}` is the directory of its output, `{NAME}` that of
            another command, which is run before, and `{files}` that of files that are given.
        outputs: A pattern of the files and directories that appear when they are complete. `None`
            for a command that saves its state in several files, and resumes.
        copy_of: Name of another command whose output is in `{out}` from the start.
        writes_stdout: Whether standard output is compared too.
        handles_signals: Whether it stops with the status of an interrupt, instead of being ended
            by the signal.
    """

    arguments: Sequence[str]
    outputs: str | None = "*"
    copy_of: str | None = None
    writes_stdout: bool = False
    handles_signals: bool = False


class Undisturbed(NamedTuple):
    """A run that was not interrupted."""

    out: Path
    content: dict[str, Any]
    seconds: float


class Process:
    """A run of a command, in a directory for its output, temporary files and messages.

    Args:
        arguments: The words of the command.
        path: The directory.
        writes_stdout: Whether standard output is part of the output.

    Attributes:
        path: The directory.
        out: The directory of its output.
    """

    def __init__(self, arguments: Sequence[str], path: Path, writes_stdout: bool):
        self.path, self.out = path, path / "out"
        self._temporary, self._errors = path / "tmp", path / "errors"
        for directory in (self.out, self._temporary):
            directory.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "TMPDIR": str(self._temporary)}
        # Those of the tests. Commands set them themselves.
        for name in ("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"):
            environment.pop(name, None)
        output = self.out / "stdout" if writes_stdout else os.devnull
        with open(output, "wb") as stdout, self._errors.open("wb") as stderr:
            self._process = subprocess.Popen(
                list(arguments),
                cwd=path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                # Also if the tests ignore some, as background jobs do.
                preexec_fn=_reset_signals,
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; `None` while the process runs."""
        return self._process.poll()

    @property
    def errors(self) -> str:
        """What the process has written to standard error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = _TIMEOUT) -> bool:
        """Returns whether the process ends within some seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def send(self, number: int, to_group: bool = False):
        """Sends a signal to the process, or to its group, as a terminal does."""
        (os.killpg if to_group else os.kill)(self._process.pid, number)

    def end(self) -> int:
        """Waits for the process and its children, and returns its exit status."""
        ended = self.wait()
        # Children notice the end of their parent.
        deadline = time.monotonic() + 10
        while (left := _processes_of(self._temporary)) and ended and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.wait()
        assert ended, f"still running:\n{self.errors}"
        assert not left, f"processes are left behind:\n{self.errors}"
        return self.status

    def temporary_files(self) -> list[str]:
        """Returns the names of the files in the directory for temporary files.

        If they are killed, Keras leaves empty directories behind, and TensorFlow code that it has
        generated.
        """
        names = [path.name for path in self._temporary.rglob("*") if not path.is_dir()]
        return [name for name in names if not name.startswith("__autograph_generated_file")]


def _reset_signals():
    for number in SIGNALS[:-1]:
        signal.signal(number, signal.SIG_DFL)


def _processes_of(temporary: Path) -> list[int]:
    """Returns the processes that were started with a directory for temporary files."""
    found, entry = [], f"TMPDIR={temporary}".encode()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (path / "environ").read_bytes().split(b"\0"):
                found.append(int(path.name))
        except OSError:
            continue
    return found


class Runner:
    """Runs commands, each in a new directory.

    Args:
        commands: The commands by name.
        path: A directory for all runs.
        files: The directory of the files that are given.
    """

    def __init__(self, commands: Mapping[str, Command], path: Path, files: Path):
        self.files = files
        self._commands, self._path = commands, path
        self._undisturbed: dict[str, Undisturbed] = {}
        self._runs = 0

    def undisturbed(self, name: str) -> Undisturbed:
        """Returns the run of a command that is not interrupted. Each command has only one."""
        if name not in self._undisturbed:
            directory = self.new_directory(name)
            began = time.monotonic()
            process = self.start(name, directory)
            assert process.end() == 0, process.errors
            seconds = time.monotonic() - began
            assert not process.temporary_files()
            self._undisturbed[name] = Undisturbed(process.out, read_content(process.out), seconds)
        return self._undisturbed[name]

    def new_directory(self, name: str) -> Path:
        """Returns a new directory for runs of a command."""
        # Before its own start, so that only the command itself is timed.
        self._arguments(name, self._path)
        self._runs += 1
        path = self._path / f"{name}-{self._runs}"
        (path / "out").mkdir(parents=True)
        if (other := self._commands[name].copy_of) is not None:
            shutil.copytree(self.undisturbed(other).out, path / "out", dirs_exist_ok=True)
        return path

    def start(self, name: str, path: Path) -> Process:
        """Starts a command.

        Args:
            name: The name of the command.
            path: A directory from `new_directory`, in which it may have been run before.
        """
        arguments = self._arguments(name, path / "out")
        return Process(arguments, path, self._commands[name].writes_stdout)

    def _arguments(self, name: str, out: Path) -> list[str]:
        fields = _Outputs(self, out)
        return [argument.format_map(fields) for argument in self._commands[name].arguments]


class _Outputs(dict):
    """The directories of a command's output, of the files, and by name those of other commands."""

    def __init__(self, runner: Runner, out: Path):
        super().__init__(out=out, files=runner.files)
        self._runner = runner

    def __missing__(self, name: str) -> Path:
        return self._runner.undisturbed(name).out


def check_interrupted(command: Command, process: Process, number: int, complete: Mapping[str, Any]):
    """Checks the exit status, the messages and the output of a run that got a signal.

    Args:
        command: The command.
        process: The process, which has ended.
        number: The signal.
        complete: The content that the command writes.
    """
    expected = {0, -number}
    if command.handles_signals and number != signal.SIGKILL:
        expected.add(INTERRUPTED)
    errors = process.errors
    if errors.endswith("KeyboardInterrupt\n") and not _IN_PROGRAM.search(errors):
        # Python itself reports a SIGINT before the program begins.
        return
    assert process.status in expected, f"status {process.status}:\n{errors}"
    assert "Traceback" not in errors and "Exception ignored" not in errors, errors
    for path in process.out.rglob("*.log"):
        log = path.read_text()
        assert "Traceback" not in log, f"{path}:\n{log}"
    if command.outputs is None:
        for path in process.out.rglob("*"):
            if path.is_file() and not _is_temporary(path.relative_to(process.out).as_posix()):
                _check_readable(path)
        return
    content = read_content(process.out)
    for path in process.out.glob(command.outputs):
        name = path.relative_to(process.out).as_posix()
        if not _is_temporary(name) and name != "stdout":
            assert _part(content, name) == _part(complete, name), f"{name} is incomplete"


def _part(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if f"{key}/".startswith(f"{name}/")}


def _is_temporary(name: str) -> bool:
    return any(map(_TEMPORARY.fullmatch, name.split("/")))


def _check_readable(path: Path):
    """Raises an error if a file is incomplete. Checkpoints and events are checked by resuming."""
    if path.suffix in (".json", ".jsonl"):
        text = path.read_text()
        for value in text.splitlines() if path.suffix == ".jsonl" else [text]:
            json.loads(value)
    elif path.suffix == ".yaml":
        assert isinstance(yaml.safe_load(path.read_text()), dict)
    elif path.suffix == ".keras":
        _read_model(path)


def read_content(directory: Path) -> dict[str, Any]:
    """Returns what a command has written, by relative name.

    Directories and temporary files have the value `None`.
    """
    content = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if _is_temporary(name):
            content[name] = None
        elif path.is_dir():
            content[name] = _read_checkpoints(path) if path.name == "checkpoints" else None
        elif path.parent.name == "checkpoints" and _CHECKPOINT.fullmatch(path.name):
            continue
        elif "tfevents" in path.name:
            # A resumed run has several files.
            curves = content.setdefault(f"{name.rpartition('/')[0]}/events", {})
            for curve, points in _read_events(path).items():
                curves.setdefault(curve, []).extend(points)
        elif reader := _READERS.get(path.name, _READERS.get(path.suffix)):
            content[name] = reader(path)
        else:
            # Configurations contain paths.
            content[name] = path.read_bytes().replace(os.fsencode(directory), b"{out}")
    return content


def _read_model(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        # Keras numbers objects by their addresses.
        config = re.sub(rb'"shared_object_id": \d+', b"", archive.read("config.json"))
        content = {"config": config}
        with h5py.File(BytesIO(archive.read("model.weights.h5"))) as weights:
            weights.visititems(
                lambda name, item: (
                    content.update({name: item[()].tobytes()})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    return content


def _read_checkpoints(path: Path) -> dict[str, bytes]:
    """Returns the state of the latest checkpoint. Others depend on the steps of interrupts."""
    steps = [int(file.stem.removeprefix("ckpt-")) for file in path.glob("ckpt-*.index")]
    if not steps:
        return {}
    reader = tf.train.load_checkpoint(os.path.join(path, f"ckpt-{max(steps)}"))
    # The other entries include the duration of evaluations.
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("variables/")]
    return {"step": max(steps)} | {name: reader.get_tensor(name).tobytes() for name in names}


def _read_events(path: Path) -> dict[str, list[tuple[int, bytes]]]:
    """Returns the steps and values of each curve, except for speeds."""
    found = {}
    for event in tf.compat.v1.train.summary_iterator(os.fspath(path)):
        for value in event.summary.value:
            if "second" not in value.tag and not value.tag.startswith("_hparams_"):
                point = event.step, value.tensor.SerializeToString()
                found.setdefault(value.tag, []).append(point)
    return found


def _read_records(path: Path) -> list[dict]:
    return [json.loads(line) | {"seconds": None} for line in path.read_text().splitlines()]


def _read_json(path: Path, *left_out: str) -> dict:
    content = json.loads(path.read_text())
    return {name: value for name, value in content.items() if name not in left_out}


def _read_report(path: Path) -> str:
    return re.sub(r'"(created|seconds)":("[^"]*"|\d+)', "", path.read_text())


def _read_nothing(path: Path):
    """Reads a file that depends on the times and the steps of interrupts."""


_READERS = {
    "model.keras": _read_model,
    "metrics.jsonl": _read_records,
    "run.json": lambda path: _read_json(path, "starts"),
    "trial_record.json": lambda path: _read_json(path, "worker", "started", "began", "seconds"),
    "oracle.json": _read_nothing,
    "trial.json": lambda path: _read_json(path, "metrics"),
    "report.html": _read_report,
    ".log": _read_nothing,
    ".pb": _read_nothing,
}
