"""The directory of a search."""

import os
import shutil
from pathlib import Path

from keras_seq2seq.tuning.trial_record import COMPLETED, RUNNING, STOPPED, TrialRecord

_PREFIX = "trial_"
# Where files of a trial are that only going on needs; all else is small.
_HEAVY = ("checkpoints", "model.keras")


class SearchDirectory:
    """The files of a search, under the names that all its processes agree on.

    ```
    search.yaml         what is searched, and how
    trials/oracle.json  the state of KerasTuner
    trials/trial_0007/  a model directory, with trial.json of KerasTuner and trial_record.json
    hparams/            for `tensorboard --logdir`, one run a trial
    best/               the model directory of the best trial, without its checkpoints
    report.html         what `keras-seq2seq tune --report` writes
    ```

    Args:
        path: The directory. It need not exist before something is written.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.search_path = self.path / "search.yaml"
        self.trials_path = self.path / "trials"
        self.oracle_path = self.trials_path / "oracle.json"
        self.best_path = self.path / "best"
        self.report_path = self.path / "report.html"

    def trial_path(self, trial: str) -> Path:
        """Returns the directory of a trial."""
        return self.trials_path / f"{_PREFIX}{trial}"

    def hparams_path(self, trial: str) -> Path:
        """Returns the directory of a trial's line in TensorBoard's tab of hyper-parameters."""
        return self.path / "hparams" / f"{_PREFIX}{trial}"

    def records(self) -> list[TrialRecord]:
        """Returns the records of all trials in their order."""
        paths = self.trials_path.glob(f"{_PREFIX}*")
        records = [record for path in paths if (record := TrialRecord.load(path)) is not None]
        return sorted(records, key=lambda record: int(record.trial))

    def clear(self):
        """Removes what a search has written, and nothing else."""
        for path in (self.trials_path, self.best_path, self.path / "hparams"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (self.search_path, self.report_path):
            path.unlink(missing_ok=True)

    def stop_running(self):
        """Marks the trials as stopped that a killed search has left running."""
        for record in self.records():
            if record.status == RUNNING:
                record.changed(status=STOPPED).save(self.trial_path(record.trial))

    def remove_weights(self, kept: set[str]):
        """Removes models and checkpoints of all trials that are over, but of some."""
        for record in self.records():
            if record.trial in kept or record.status in (RUNNING, STOPPED):
                continue
            for name in _HEAVY:
                path = self.trial_path(record.trial) / name
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def copy_lower_rung(self, lower: str, trial: str):
        """Gives a trial the state of one of a lower rung, unless it has one of its own.

        Whoever stops the program within it finds the trial with that state or without it.
        """
        source, target = self.trial_path(lower), self.trial_path(trial)
        if (target / "checkpoints").exists():
            return
        target.mkdir(parents=True, exist_ok=True)
        beside = target / ".checkpoints"
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(target / "logs", ignore_errors=True)
        shutil.copytree(source / "logs", target / "logs")
        for name in ("config.yaml", "model.keras", "metrics.jsonl", "run.json"):
            if (source / name).exists():
                shutil.copy2(source / name, target / name)
        # Last of all: what is copied without them is copied again.
        shutil.copytree(source / "checkpoints", beside)
        beside.rename(target / "checkpoints")

    def update_best(self, record: TrialRecord | None):
        """Makes `best/` a copy of a trial's model directory."""
        beside, old = self.path / ".best", self.path / ".best-old"
        if old.exists() and not self.best_path.exists():
            old.rename(self.best_path)
        if record is None:
            return
        current = TrialRecord.load(self.best_path)
        same = current is not None and current.trial == record.trial
        if same and current.objective == record.objective:
            return
        shutil.rmtree(beside, ignore_errors=True)
        ignored = shutil.ignore_patterns("checkpoints", ".*", "trial.json")
        shutil.copytree(self.trial_path(record.trial), beside, ignore=ignored)
        shutil.rmtree(old, ignore_errors=True)
        if self.best_path.exists():
            self.best_path.rename(old)
        beside.rename(self.best_path)
        shutil.rmtree(old, ignore_errors=True)

    def has_model(self, record: TrialRecord) -> bool:
        """Returns whether the model of a trial is there."""
        return (self.trial_path(record.trial) / "model.keras").exists()


def completed(records: list[TrialRecord]) -> list[TrialRecord]:
    """Returns those of the trials that have come to their end."""
    return [record for record in records if record.status == COMPLETED]
