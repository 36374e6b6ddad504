"""The directory of a search."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from keras_seq2seq.config import is_saved_config
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.directories import remove_outputs
from keras_seq2seq.files.reading import exists
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.tuning.trial_record import COMPLETED, RUNNING, STOPPED, TrialRecord

_PREFIX = "trial_"
# A worker touches it in the directory of its trial, as long as it trains.
HEARTBEAT_FILE = "alive"
# The large files of a trial. They are only needed to resume the trial or to use its model.
_WEIGHTS = ("checkpoints", "model.keras")
# The files of a trial that another one needs to continue it, besides its checkpoints and logs.
_TRIAL_FILES = (
    "config.yaml",
    "model.keras",
    "metrics.jsonl",
    "run.json",
    "source.*",
    "target.*",
    "dev.*",
)


class SearchDirectory:
    """The files of a search.

    ```
    search.yaml         the search: space, objective, tuner and configuration
    text/               tokenizers and dev data of all trials, unless given
    trials/oracle.json  the state of KerasTuner's oracle
    trials/trial_0007/  a model directory with KerasTuner's trial.json and trial_record.json
    hparams/            logs for `tensorboard --logdir`, one run per trial
    best/               the model directory of the best trial, without its checkpoints
    report.html         the report from `keras-seq2seq tune --report`
    ```

    Args:
        path: The path, which need not exist yet.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.search_path = self.path / "search.yaml"
        self.text_path = self.path / "text"
        self.trials_path = self.path / "trials"
        self.oracle_path = self.trials_path / "oracle.json"
        self.best_path = self.path / "best"
        self.report_path = self.path / "report.html"
        # What `clear` removes, last the file that shows that the others are those of a search.
        self.outputs = (
            self.trials_path,
            self.best_path,
            self.text_path,
            self.path / "hparams",
            self.report_path,
            self.search_path,
        )

    def trial_path(self, trial: str) -> Path:
        """Returns the directory of a trial."""
        return self.trials_path / f"{_PREFIX}{trial}"

    def text_directory(self) -> ModelDirectory | None:
        """Returns the directory with the tokenizers and dev data of all trials, if there is one."""
        return ModelDirectory(self.text_path) if self.text_path.exists() else None

    def hparams_path(self, trial: str) -> Path:
        """Returns the directory of a trial's logs for TensorBoard's HParams tab."""
        return self.path / "hparams" / f"{_PREFIX}{trial}"

    def records(self) -> list[TrialRecord]:
        """Returns the records of all trials, in the order of their numbers."""
        loaded = [(path, TrialRecord.load(path)) for path in self._trial_paths()]
        # A copy of a directory has the record of another one.
        records = [
            record
            for path, record in loaded
            if record is not None and path == self.trial_path(record.trial)
        ]
        return sorted(records, key=lambda record: int(record.trial))

    def has_trials(self) -> bool:
        """Returns whether a trial was started."""
        return any(exists(path / "trial.json") for path in self._trial_paths())

    def _trial_paths(self) -> Iterator[Path]:
        return self.trials_path.glob(f"{_PREFIX}*")

    def check_is_free(self):
        """Checks that a new search would not replace files that no search wrote.

        Raises:
            UserError: If it would.
        """
        for path in self.outputs:
            if os.path.lexists(path):
                raise UserError(
                    f"{path}: not written by a search, which also writes {self.search_path.name}; "
                    "move it, or choose another --output_dir"
                )

    def check_can_start_over(self):
        """Checks that `clear` would remove the files of a search.

        Version 0.1 did not mark the files that it wrote.

        Raises:
            UserError: If a person wrote `search.yaml`.
        """
        if not (is_saved_config(self.search_path) or self.oracle_path.exists()):
            raise UserError(
                f"{self.search_path}: not written by a search; move it, or choose another "
                "--output_dir"
            )

    def clear(self):
        """Removes all files of a search, but no other files."""
        remove_outputs(self.outputs)

    def stop_running(self):
        """Changes the status of running trials to stopped, after a search was killed."""
        for record in self.records():
            if record.status == RUNNING:
                record.changed(status=STOPPED).save(self.trial_path(record.trial))

    def remove_weights(self, kept: set[str]):
        """Removes the models and checkpoints of finished trials.

        Args:
            kept: The trials whose files are kept.
        """
        for record in self.records():
            if record.trial in kept or record.status in (RUNNING, STOPPED):
                continue
            for name in _WEIGHTS:
                path = self.trial_path(record.trial) / name
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def copy_lower_rung(self, lower: str, trial: str):
        """Copies the state of a trial of a lower rung, unless the new trial already has a state.

        If the process is killed during the copy, the next call starts over.

        Args:
            lower: The trial of the lower rung.
            trial: The trial that continues it.
        """
        source, target = self.trial_path(lower), self.trial_path(trial)
        if (target / "checkpoints").exists():
            return
        target.mkdir(parents=True, exist_ok=True)
        unfinished = target / ".checkpoints"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(target / "logs", ignore_errors=True)
        shutil.copytree(source / "logs", target / "logs")
        for pattern in _TRIAL_FILES:
            for path in source.glob(pattern):
                shutil.copy2(path, target / path.name)
        # The checkpoints come last, as their presence marks a complete copy.
        shutil.copytree(source / "checkpoints", unfinished)
        unfinished.rename(target / "checkpoints")

    def update_best(self, record: TrialRecord | None):
        """Replaces `best/` with a copy of a trial's model directory.

        Args:
            record: The record of the best trial; `None` to only repair an interrupted update.
        """
        new, old = self.path / ".best", self.path / ".best-old"
        if old.exists() and not self.best_path.exists():
            old.rename(self.best_path)
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
        if record is None:
            return
        current = TrialRecord.load(self.best_path)
        same = current is not None and current.trial == record.trial
        if same and current.objective == record.objective:
            return
        # With `run.json`, but without checkpoints, `train` would take the directory for a run that
        # was killed at its start, and start it again.
        left_out = "checkpoints", ".*", "trial.json", "run.json", HEARTBEAT_FILE
        ignored = shutil.ignore_patterns(*left_out)
        shutil.copytree(self.trial_path(record.trial), new, ignore=ignored)
        if self.best_path.exists():
            self.best_path.rename(old)
        new.rename(self.best_path)
        shutil.rmtree(old, ignore_errors=True)

    def has_model(self, record: TrialRecord) -> bool:
        """Returns whether the model of a trial exists."""
        return (self.trial_path(record.trial) / "model.keras").exists()


def completed(records: list[TrialRecord]) -> list[TrialRecord]:
    """Returns the records of completed trials, in the same order."""
    return [record for record in records if record.status == COMPLETED]
