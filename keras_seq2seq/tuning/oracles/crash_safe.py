"""What KerasTuner's oracles need to survive a kill at any moment."""

import json
import time
from contextlib import suppress
from pathlib import Path

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_seq2seq.files.writing import atomic_file


class Budget:
    """Counts the seconds that a search has taken, over all its starts.

    Args:
        budget_seconds: The seconds that it may take, `None` for any number.

    Example:
        >>> budget = Budget(budget_seconds=3600)
        >>> budget.is_over
        False
    """

    def __init__(self, budget_seconds: float | None = None):
        self.budget_seconds = budget_seconds
        self.start(0.0)

    def start(self, seconds: float):
        """Sets how many seconds the search has taken until now."""
        self._before = seconds
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds until now."""
        return self._before + time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the budget is spent, 0 from then on, `None` if there is no budget."""
        if self.budget_seconds is None:
            return None
        return max(self.budget_seconds - self.seconds, 0.0)

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self.budget_seconds is not None and self.seconds_left == 0


class CrashSafe:
    """Mixed into an `Oracle`: whatever process is killed, the search goes on from its files.

    KerasTuner writes its files in place, so that a kill can leave half of one, and it starts trials
    again that have ended since its last save. Here files are there whole or not at all, and only
    trials that are not over are started again.

    Args:
        budget: The time that the search has taken and may take. When it is over, there are no new
            trials.
        on_end: Function that is called after the end of each trial.
        **options: Those of the oracle.
    """

    def __init__(self, *, budget: Budget, on_end=lambda: None, **options):
        self._budget = budget
        self._on_end = on_end
        super().__init__(
            # Each failed trial is marked and skipped.
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
        # Saved once more, as one that does not run any longer.
        self.save()
        # An error would leave the oracle locked for good. Where nothing can be written, the next
        # trial finds that out.
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
    def give_up(self, tuner_id: str, message: str | None = None):
        """Takes the trial of a worker that is gone from it.

        Args:
            tuner_id: The worker.
            message: Why the trial has failed; `None` gives it to the next worker that asks.
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
        """Returns the trials that have begun and are not over."""
        waiting = [self.trials[name] for name in self._retry_queue]
        return [*self.ongoing_trials.values(), *waiting]

    def reload(self, workers_may_live: bool = False):
        """Restores the state of the search.

        Args:
            workers_may_live: Whether trials that were running stay with their workers, who may
                not even know that the chief was away. They go to the next who asks otherwise.
        """
        super().reload()
        # A kill between two writes leaves a trial that the state does not know.
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
