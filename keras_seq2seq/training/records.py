"""The records of a training run: evaluations, starts and TensorBoard events."""

import json
import math
import os
import platform
import shlex
import struct
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from keras_seq2seq import __version__
from keras_seq2seq.data import ParallelTextSummary
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.directories import printable
from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.files.reading import read_small_file_if_any
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.model_directory import read_run_record

# A million evaluations of ten metrics.
_MAX_METRICS_BYTES = 2**28


class MetricsLog:
    """A file with one JSON object per line, one for each evaluation, each with a `step`.

    Args:
        path: The file, which is created by the first record.

    Attributes:
        records: The evaluations, each a dictionary.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.records = self._read()

    def append(self, record: dict):
        """Adds an evaluation."""
        self.records.append(record)
        self._write()

    def reset(self, records: list[dict]):
        """Replaces all records by those of the checkpoint that a run is resumed from."""
        if records != self.records:
            self.records = list(records)
            self._write()

    def _read(self) -> list[dict]:
        content = read_small_file_if_any(self.path, _MAX_METRICS_BYTES) or b""
        # Damaged lines are left behind by a crash of the machine.
        return list(takewhile(bool, map(_parse_record, content.splitlines())))

    def _write(self):
        with atomic_file(self.path) as file:
            file.writelines(json.dumps(record) + "\n" for record in self.records)


def _parse_record(line: bytes) -> dict | None:
    """Returns the record of a line, or `None` if the line is damaged."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_record = isinstance(record, dict) and isinstance(record.get("step"), int)
    if is_record and all(isinstance(value, (int, float)) for value in record.values()):
        return record
    return None


_PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-text")


class RunRecord:
    """A JSON file with the seed, hashes of the data, and each start of a run.

    A start has its time, the number of steps before it and at the end of the run, the full command,
    the working directory, and the versions of Python and of the packages that affect the results.

    Args:
        path: The file, which is created by the first start. A damaged file counts as empty and is
            replaced by the next start.

    Attributes:
        is_damaged: Boolean, whether the file is damaged, so that its content is unknown.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = Path(path)
        self._content = read_run_record(path)
        self.is_damaged = self._content is None
        self._content = self._content or {}

    def check_data(self, fingerprints: dict[str, str], flags: dict[str, str] | None = None):
        """Checks that the data have not changed since the start of the run.

        Args:
            fingerprints: SHA-256 hashes by the names of the flags, such as `"train_source"`.
            flags: The names of the flags in messages, where they differ.

        Raises:
            UserError: If they have.
        """
        check_fingerprints(self._content.get("data", {}), fingerprints, flags or {}, "run")

    @property
    def steps(self) -> int | None:
        """The length of the run in steps at its previous start, `None` if it is unknown."""
        starts = self._content.get("starts") or [{}]
        return starts[-1].get("steps")

    def add_start(
        self,
        step: int,
        seed: int,
        fingerprints: dict[str, str],
        steps: int | None = None,
        summary: ParallelTextSummary | None = None,
    ) -> dict[str, str]:
        """Adds the start of this process.

        Args:
            step: Number of steps before this start, 0 for a new run.
            seed: The seed of the run.
            fingerprints: As in `check_data`.
            steps: Number of steps at the end of the run.
            summary: Statistics of the training data, of which the numbers of pairs are recorded.

        Returns:
            Descriptions of the versions that differ from the previous start, by package.
        """
        starts = self._content.get("starts", []) if step else []
        versions = _versions()
        before = starts[-1]["versions"] if starts else versions
        start = {
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "step": step,
            "steps": steps,
            "command": printable(shlex.join(sys.argv)),
            "directory": printable(os.getcwd()),
            "versions": versions,
        }
        self._content = {"seed": seed, "data": fingerprints, "starts": [*starts, start]}
        if summary is not None:
            left_out = {"empty side": summary.empty_pairs, **summary.dropped}
            self._content["train"] = {"pairs": summary.pairs, "left_out": left_out}
        with atomic_file(self._path) as file:
            file.write(f"{to_json(self._content, indent=2)}\n")
        return {
            name: f"{versions[name]} instead of {before[name]}"
            for name in versions
            if name in before and versions[name] != before[name]
        }


def check_fingerprints(
    before: Mapping[str, str], now: Mapping[str, str], flags: Mapping[str, str], kind: str
):
    """Checks that the data have not changed since an earlier start.

    Args:
        before: SHA-256 hashes by the names of the flags, such as `"train_source"`, at that start.
        now: Those of the data now.
        flags: The names of the flags in messages, where they differ.
        kind: What was started, "run" or "search".

    Raises:
        UserError: If a hash has changed.
    """
    for name, fingerprint in now.items():
        if before.get(name, fingerprint) != fingerprint:
            raise UserError(
                f"--{flags.get(name, name)}: not the text that this {kind} started with (SHA-256 "
                f"{fingerprint[:12]} instead of {before[name][:12]}); use the same text, choose "
                "another --output_dir, or start over with --resume never"
            )


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "keras_seq2seq": __version__, **packages}


# A record is its length (8 bytes), a checksum of that, the data, and a checksum of the data.
_HEADER = struct.Struct("<QI")
_FOOTER_BYTES = 4


def forget_events_after(log_dir: str | os.PathLike, step: int):
    """Truncates TensorBoard files after a step, so that a resumed run writes no point twice.

    The events of each file must be in the order of their steps. If it is interrupted, it can be
    called again.

    Args:
        log_dir: The directory of all TensorBoard files of the run, which need not exist.
        step: The last step to keep. An incomplete event at the end of a file is removed too.

    Example:
        >>> forget_events_after("model/logs", step=500)
    """
    for path in sorted(Path(log_dir).rglob("*tfevents*")):
        with path.open("r+b") as file:
            file.truncate(_end_of_step(file, step))


def _end_of_step(file, step: int) -> int:
    """Returns the position of the first event of a later step."""
    size = os.fstat(file.fileno()).st_size
    position = 0
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            break
        length, _ = _HEADER.unpack(header)
        end = position + _HEADER.size + length + _FOOTER_BYTES
        if end > size or _step_of_event(file.read(length)) > step:
            break
        file.seek(end)
        position = end
    return position


def _step_of_event(content: bytes) -> float:
    """Returns the step of an event, infinity if the event is damaged."""
    try:
        return tf.compat.v1.Event.FromString(content).step
    except DecodeError:
        return math.inf
