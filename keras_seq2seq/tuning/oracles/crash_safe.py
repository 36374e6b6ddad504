"""A time budget and crash safety for KerasTuner's oracles."""

import json
import os
import threading
import time
from contextlib import suppress
from functools import wraps
from pathlib import Path

from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine.oracle import LOCKS, THREADS

from keras_seq2seq.callbacks import interrupts_deferred
from keras_seq2seq.files.reading import exists
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


def _exclusive(method):
    """Allows one call of all decorated methods of an oracle at a time.

    Unlike KerasTuner's `synchronized`, whose lock it uses, it releases the lock after an error,
    and Ctrl-C does not interrupt a call, which would leave half of a trial.
    """

    @wraps(method)
    def call(oracle, *args, **kwargs):
        thread = threading.current_thread().name
        if THREADS[oracle] == thread:
            return method(oracle, *args, **kwargs)
        with interrupts_deferred(), LOCKS[oracle]:
            THREADS[oracle] = thread
            try:
                return method(oracle, *args, **kwargs)
            finally:
                THREADS[oracle] = None

    return call


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
        # For each worker, the local time at which it last asked for a trial or ended one.
        self.last_requests: dict[str, float] = {}

    @_exclusive
    def create_trial(self, tuner_id):
        self.last_requests[tuner_id] = time.monotonic()
        if self._budget.is_over and tuner_id not in self.ongoing_trials:
            self.tuner_ids.discard(tuner_id)
            return Trial(self.get_space(), "", TrialStatus.STOPPED)
        return super().create_trial(tuner_id)

    @_exclusive
    def update_trial(self, *args, **kwargs):
        return super().update_trial(*args, **kwargs)

    @_exclusive
    def end_trial(self, trial):
        workers = [
            worker
            for worker, ongoing in self.ongoing_trials.items()
            if ongoing.trial_id == trial.trial_id
        ]
        super().end_trial(trial)
        # Saved again, so that the trial is no longer among the running ones.
        self.save()
        # The trial has ended all the same. If the disk is full, the next one reports it.
        with suppress(OSError):
            self._on_end()
        self.last_requests |= dict.fromkeys(workers, time.monotonic())

    def get_state(self):
        return super().get_state() | {"budget": self._budget.seconds}

    def set_state(self, state):
        super().set_state(state)
        self._running_before = state["ongoing_trials"]
        self._budget.start(state["budget"])

    def save(self):
        # If one could not be written, the search could not be resumed.
        for trial in self.trials.values():
            if not exists(self._trial_file(trial.trial_id)):
                self._save_trial(trial)
        _write(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        self._get_trial_dir(trial.trial_id)  # creates the directory
        _write(self._trial_file(trial.trial_id), trial.get_state())

    def _trial_file(self, name: str) -> str:
        return os.path.join(self._project_dir, f"trial_{name}", "trial.json")

    @_exclusive
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

    @_exclusive
    def forget_idle_workers(self, seconds: float):
        """Removes workers without a trial that have not asked for one for some seconds."""
        now = time.monotonic()
        for worker in self.tuner_ids - self.ongoing_trials.keys():
            if now - self.last_requests[worker] > seconds:
                self.tuner_ids.discard(worker)

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
        # KerasTuner would read all directories whose names match a pattern. These include copies,
        # and a trial that is missing from the saved state, since the search was killed between two
        # writes.
        state = json.loads(Path(self._get_oracle_fname()).read_bytes())
        self.trials = {name: Trial.load(self._trial_file(name)) for name in state["start_order"]}
        self.set_state(state)
        self._retry_queue += [trial.trial_id for trial in self.ongoing_trials.values()]
        self.ongoing_trials = {}
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
