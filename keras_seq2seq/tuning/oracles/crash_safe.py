"""A time budget and crash safety for KerasTuner's oracles."""

import json
import time
from contextlib import suppress
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_seq2seq.files import LiteralDirectory
from keras_seq2seq.files.writing import atomic_file


class Budget:
    """The time budget of a search, over all its starts.

    Args:
        budget_seconds: The time limit in seconds, `None` for no limit.

    Example:
        >>> budget = Budget(budget_seconds=3600)
        >>> budget.is_over
        False
    """

    def __init__(self, budget_seconds: float | None = None):
        self.budget_seconds = budget_seconds
        self.start(0.0)

    def start(self, seconds: float):
        """Starts counting.

        Args:
            seconds: The seconds that earlier starts of the search have taken.
        """
        self._seconds_before = seconds
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds taken so far."""
        return self._seconds_before + time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """The remaining seconds, 0 if the budget is spent; `None` if there is no limit."""
        if self.budget_seconds is None:
            return None
        return max(self.budget_seconds - self.seconds, 0.0)

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self.budget_seconds is not None and self.seconds_left == 0


class CrashSafe:
    """Mixin for an `Oracle` that can resume the search after any process was killed.

    KerasTuner overwrites its files in place, so that a kill may leave a truncated file, and on
    resume it repeats trials that ended after its last save. This class writes files atomically and
    repeats only unfinished trials.

    Args:
        budget: The time budget. No new trials are started when it is spent.
        on_end: Function to call after the end of each trial.
        **options: Arguments of the oracle.
    """

    def __init__(self, *, budget: Budget, on_end=lambda: None, **options):
        self._budget = budget
        self._on_end = on_end
        super().__init__(
            # A search continues after any number of failed trials.
            max_consecutive_failed_trials=None,
            allow_new_entries=False,
            **options,
        )
        self.verbose = 0

    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        if self._budget.is_over and tuner_id not in self.ongoing_trials:
            self.tuner_ids.discard(tuner_id)
            return Trial(self.get_space(), "", TrialStatus.STOPPED)
        return super().create_trial(tuner_id)

    @keras_tuner.synchronized
    def end_trial(self, trial):
        super().end_trial(trial)
        # Saved again, so that the trial is no longer among the running ones.
        self.save()
        # An exception would leave the oracle locked forever. If the disk is full, the next trial
        # reports it.
        with suppress(OSError):
            self._on_end()

    def get_state(self):
        return super().get_state() | {"budget": self._budget.seconds}

    def set_state(self, state):
        super().set_state(state)
        self._running_before = state["ongoing_trials"]
        self._budget.start(state["budget"])

    def save(self):
        _write(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        _write(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", trial.get_state())

    @keras_tuner.synchronized
    def drop_worker(self, tuner_id: str, message: str | None = None):
        """Removes a lost worker and ends or requeues its trial.

        Args:
            tuner_id: The name of the worker.
            message: The reason why the trial failed; `None` to assign the trial to the next
                worker instead.
        """
        self.tuner_ids.discard(tuner_id)
        if tuner_id not in self.ongoing_trials:
            return
        trial = self.ongoing_trials[tuner_id]
        if message is None:
            self._retry_queue.append(self.ongoing_trials.pop(tuner_id).trial_id)
            self.save()
        else:
            trial.status, trial.message = TrialStatus.FAILED, message
            self.end_trial(trial)

    def unfinished_trials(self) -> list[Trial]:
        """Returns the trials that were started and have not ended."""
        waiting = [self.trials[name] for name in self._retry_queue]
        return [*self.ongoing_trials.values(), *waiting]

    def reload(self, workers_may_live: bool = False):
        """Restores the state of the search.

        Args:
            workers_may_live: Boolean, whether workers may have survived the chief, in which case
                running trials stay assigned to them. Otherwise, running trials are assigned to
                the next workers.
        """
        # KerasTuner finds the files of trials by a pattern.
        directory, literal = self._directory, LiteralDirectory(self._directory)
        self._directory = literal.path
        try:
            super().reload()
        finally:
            self._directory = directory
        # A kill between two writes may leave a trial that is missing from the saved state.
        started = set(self.start_order)
        self.trials = {name: trial for name, trial in self.trials.items() if name in started}
        self._retry_queue = [
            name
            for name in dict.fromkeys(self._retry_queue)
            if self.trials[name].status == TrialStatus.RUNNING
        ]
        if workers_may_live:
            self.ongoing_trials = {
                worker: self.trials[name]
                for worker, name in self._running_before.items()
                if name in self._retry_queue
            }
            running = {trial.trial_id for trial in self.ongoing_trials.values()}
            self._retry_queue = [name for name in self._retry_queue if name not in running]
            self.tuner_ids.update(self.ongoing_trials)


def _write(path, state: dict):
    with atomic_file(path) as file:
        json.dump(state, file)
