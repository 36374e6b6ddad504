"""Running one trial after the other."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_tuner.engine.trial import TrialStatus

from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_run import TrialFailed, run_trial

_IDLE_SECONDS = 1
_HEARTBEAT_SECONDS = 10
_HEARTBEAT_FILE = "alive"


def work(plan: SearchPlan, oracle, worker: str, on_change: Callable[[], object] = lambda: None):
    """Runs trials until there are no more.

    Args:
        plan: The search.
        oracle: What says which trial comes next: an `Oracle`, or an `OracleClient` that asks the
            one of another process.
        worker: The name of this process.
        on_change: Function that is called when a trial has begun or ended.

    Raises:
        RunError: If files cannot be written.
        KeyboardInterrupt: If it was stopped.
    """
    while True:
        trial = oracle.create_trial(worker)
        if trial.status == TrialStatus.STOPPED:
            return
        if trial.status == TrialStatus.IDLE:
            time.sleep(_IDLE_SECONDS)
            continue
        on_change()
        with _heartbeat(plan.directory.trial_path(trial.trial_id)):
            try:
                value = run_trial(plan, trial, worker)
            except TrialFailed as error:
                trial.status, trial.message = TrialStatus.FAILED, str(error)
            else:
                oracle.update_trial(trial.trial_id, {plan.objective.name: value})
                trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        on_change()


def last_heartbeat(directory: Path) -> float | None:
    """Returns the time at which a worker last showed that it runs the trial of a directory."""
    try:
        return (directory / _HEARTBEAT_FILE).stat().st_mtime
    except FileNotFoundError:
        return None


@contextmanager
def _heartbeat(directory: Path) -> Iterator[None]:
    ended = threading.Event()
    directory.mkdir(parents=True, exist_ok=True)

    def beat():
        while True:
            (directory / _HEARTBEAT_FILE).touch()
            if ended.wait(_HEARTBEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        (directory / _HEARTBEAT_FILE).unlink(missing_ok=True)
