"""The status and results of a trial."""

import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import Any

from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.files.reading import read_small_file_if_any
from keras_seq2seq.files.writing import atomic_file

RUNNING, COMPLETED, FAILED, STOPPED = "running", "completed", "failed", "stopped"
_FILE = "trial_record.json"
_MAX_SECONDS = 1e12


@dataclass(frozen=True)
class TrialRecord:
    """The status and results of a trial, saved in the trial's directory.

    Attributes:
        trial: The number of the trial, as a string.
        values: Dictionary from the names of searched options to their values.
        units: The number of training units at the end of the trial, see `SearchPlan.units`.
        units_before: The number of training units already done by the trial in `continues`.
        continues: The trial of Hyperband's lower rung that this trial continues, if any.
        worker: The name of the process that ran the trial most recently.
        status: `"running"`, `"completed"`, `"failed"`, or `"stopped"` for an interrupted trial,
            which is resumed with the search.
        objective: The best value of the objective so far, `None` before the first evaluation.
        started: The time of the first start, ISO 8601.
        began: The time of the most recent start, in seconds since 1970.
        seconds: The training time in seconds over all starts, without the current one.
        message: The error message of a failed trial.
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
        """Reads the record in a trial's directory. Returns `None` if it is missing or damaged."""
        content = read_small_file_if_any(Path(directory) / _FILE)
        try:
            record = cls(**json.loads(content or b""))
        except (ValueError, TypeError, RecursionError):
            return None
        return record if record._is_valid() else None

    def _is_valid(self) -> bool:
        texts = (self.trial, self.worker, self.started)
        counts, times = (self.units, self.units_before), (self.began, self.seconds)
        objective = 0 if self.objective is None else self.objective
        return (
            all(isinstance(text, str) for text in texts)
            and all(isinstance(text, (str, type(None))) for text in (self.continues, self.message))
            and self.trial.isdecimal()
            and isinstance(self.values, dict)
            and self.status in (RUNNING, COMPLETED, FAILED, STOPPED)
            and all(isinstance(count, int) for count in counts)
            and all(isinstance(time, (int, float)) and 0 <= time < _MAX_SECONDS for time in times)
            and isinstance(objective, (int, float))
            and isfinite(objective)
        )

    def save(self, directory: str | os.PathLike):
        """Writes the record to a trial's directory."""
        Path(directory).mkdir(parents=True, exist_ok=True)
        with atomic_file(Path(directory) / _FILE) as file:
            file.write(to_json(asdict(self), indent=1))

    def changed(self, **fields) -> "TrialRecord":
        """Returns a copy of the record with some fields changed."""
        return replace(self, **fields)
