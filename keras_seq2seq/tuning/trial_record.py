"""What became of a trial."""

import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from keras_seq2seq.files.writing import atomic_file

RUNNING, COMPLETED, FAILED, STOPPED = "running", "completed", "failed", "stopped"
_FILE = "trial_record.json"


@dataclass(frozen=True)
class TrialRecord:
    """One trial in words and figures, kept in its directory.

    Attributes:
        trial: Its number as text.
        values: The searched options by their names.
        units: What it trains to, in epochs or other units.
        units_before: What the trial it goes on from has trained to.
        continues: The trial that it goes on from, of a lower rung of Hyperband.
        worker: The process that ran it last.
        status: `"running"`, `"completed"`, `"failed"`, or `"stopped"` before its end, from where
            it goes on with the search.
        objective: The best value so far, `None` before the first evaluation.
        started: When it first began, ISO 8601.
        began: When it began or went on the last time, in seconds since 1970.
        seconds: What it took before that, and when it is over, over all its starts.
        message: Why it failed.
    """

    trial: str
    values: dict[str, Any] = field(default_factory=dict)
    units: int = 1
    units_before: int = 0
    continues: str | None = None
    worker: str = ""
    status: str = RUNNING
    objective: float | None = None
    started: str = ""
    began: float = field(default_factory=time.time)
    seconds: float = 0.0
    message: str | None = None

    def __post_init__(self):
        if not self.started:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            object.__setattr__(self, "started", now)

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "TrialRecord | None":
        """Reads the record of a trial's directory, `None` if there is none."""
        try:
            content = (Path(directory) / _FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return cls(**json.loads(content))

    def save(self, directory: str | os.PathLike):
        """Writes the record into the directory of the trial."""
        Path(directory).mkdir(parents=True, exist_ok=True)
        with atomic_file(Path(directory) / _FILE) as file:
            json.dump(asdict(self), file, indent=1, ensure_ascii=False)

    def changed(self, **fields) -> "TrialRecord":
        """Returns the record with other values of some fields."""
        return replace(self, **fields)
