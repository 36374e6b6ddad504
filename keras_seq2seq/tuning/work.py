"""Running trials."""

import gc
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf
from keras_tuner.engine.trial import Trial, TrialStatus
from rich.console import Console

from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.training import plan_training, train
from keras_seq2seq.training.records import MetricsLog
from keras_seq2seq.tuning.report import HParamsBoard
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, STOPPED, TrialRecord

_LOG = "train.log"


class TrialFailed(Exception):
    """A trial that came to no result, though the search can go on."""


def run_trial(plan: SearchPlan, trial: Trial, worker: str = "") -> float:
    """Trains the model of a trial, or goes on with it.

    What training prints goes to `train.log` in the trial's directory.

    Args:
        plan: The search.
        trial: What KerasTuner asks for.
        worker: The name of this process in the trial's record.

    Returns:
        The best value of the objective.

    Raises:
        TrialFailed: If the memory was not enough, the loss was no number, or anything else went
            wrong that has to do with this trial alone.
        RunError: If files cannot be written, which no trial could.
        KeyboardInterrupt: If it was stopped; its state has been saved.
    """
    directory = plan.directory.trial_path(trial.trial_id)
    record = _begin(plan, trial, worker)
    board = HParamsBoard(plan.directory.hparams_path(trial.trial_id), plan.objective)
    started = time.monotonic()

    def end(status, message=None):
        records = MetricsLog(directory / "metrics.jsonl").records
        ended = record.changed(
            status=status,
            seconds=record.seconds + time.monotonic() - started,
            objective=plan.objective.best(records),
            message=message,
        )
        board.end(ended, records)
        ended.save(directory)
        return ended

    record.save(directory)
    board.start(record)
    try:
        with (directory / _LOG).open("a", encoding="utf-8") as log:
            try:
                _train(plan, record, Console(file=log, highlight=False, width=200))
            except Exception:
                traceback.print_exc(file=log)
                raise
    except KeyboardInterrupt:
        end(STOPPED)
        raise
    except Exception as error:
        if _concerns_all(error):
            end(STOPPED)
            raise
        message = _describe(error)
        end(FAILED, message)
        raise TrialFailed(message) from error
    finally:
        # Models of earlier trials would otherwise stay in memory.
        keras.utils.clear_session()
        gc.collect()
    return end(COMPLETED).objective


def _begin(plan: SearchPlan, trial: Trial, worker: str) -> TrialRecord:
    values = trial.hyperparameters.values
    record = TrialRecord(
        trial=trial.trial_id,
        values=plan.space.decode(values),
        units=values.get("tuner/epochs", plan.units),
        units_before=values.get("tuner/initial_epoch", 0),
        continues=values.get("tuner/trial_id"),
        worker=worker,
    )
    before = TrialRecord.load(plan.directory.trial_path(trial.trial_id))
    if before is None:
        return record
    return record.changed(started=before.started, seconds=before.seconds)


def _train(plan: SearchPlan, record: TrialRecord, console: Console):
    if record.continues is not None:
        plan.directory.copy_lower_rung(record.continues, record.trial)
    config = plan.trial_config(record.values, record.units)
    train(plan_training(config, plan.directory.trial_path(record.trial)), console)


def _concerns_all(error: Exception) -> bool:
    """Returns whether other trials would fail in the same way: nothing can be written."""
    cause = error.__cause__ if isinstance(error, RunError) else error
    return isinstance(cause, OSError) or (
        isinstance(error, RunError) and isinstance(cause, tf.errors.OpError)
    )


def _describe(error: Exception) -> str:
    if isinstance(error, (MemoryError, tf.errors.ResourceExhaustedError)):
        return "out of memory"
    lines = str(error).splitlines() or [""]
    if isinstance(error, (RunError, UserError)):
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}"


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
