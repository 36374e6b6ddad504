"""Running the trials of a search in one process."""

import gc
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf
from keras_tuner.engine.trial import Trial, TrialStatus
from rich.console import Console

from keras_seq2seq.config import Config, input_files
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.training import plan_training, train
from keras_seq2seq.training.records import MetricsLog
from keras_seq2seq.tuning.hparams_board import HParamsBoard
from keras_seq2seq.tuning.search_directory import HEARTBEAT_FILE
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, STOPPED, TrialRecord

_LOG = "train.log"


class TrialFailed(Exception):
    """A trial failed for a reason that does not affect other trials."""


def run_trial(plan: SearchPlan, trial: Trial, worker: str = "") -> float:
    """Trains the model of a trial, or resumes the trial.

    The output of training goes to `train.log` in the directory of the trial.

    Args:
        plan: The search.
        trial: The KerasTuner trial with the hyperparameters.
        worker: The name of this process, for the trial's record.

    Returns:
        The best value of the objective.

    Raises:
        TrialFailed: If memory ran out, the loss was not finite, or another error occurred that is
            specific to this trial.
        RunError: If files cannot be written, which would make all trials fail.
        UserError: If files cannot be read, which would make all trials fail.
        KeyboardInterrupt: If the trial was interrupted, after its state has been saved.
    """
    directory = plan.directory.trial_path(trial.trial_id)
    record = _start_record(plan, trial, worker)
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

    # Models of earlier trials would otherwise stay in memory, and the names of the layers would
    # depend on them.
    keras.utils.clear_session()
    gc.collect()
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
        if _affects_all_trials(error, plan.config):
            end(STOPPED)
            raise
        message = _describe(error)
        end(FAILED, message)
        raise TrialFailed(message) from error
    return end(COMPLETED).objective


def _start_record(plan: SearchPlan, trial: Trial, worker: str) -> TrialRecord:
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
    trial = plan_training(
        config,
        plan.directory.trial_path(record.trial),
        text_from=plan.directory.text_directory(),
    )
    # Resuming a trial only needs its latest checkpoint.
    train(replace(trial, keep_only_latest=True), console)


def _affects_all_trials(error: Exception, config: Config) -> bool:
    """Returns whether files cannot be read or written, so that other trials would fail as well.

    Args:
        error: The error.
        config: The configuration of the search.
    """
    if isinstance(error, UserError) and not all(map(os.path.exists, input_files(config))):
        return True
    cause = error.__cause__ if isinstance(error, (RunError, UserError)) else error
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


def run_trials(
    plan: SearchPlan, oracle, worker: str, on_change: Callable[[], object] = lambda: None
):
    """Runs trials until the oracle ends the search.

    Args:
        plan: The search.
        oracle: The source of trials: an `Oracle`, or an `OracleClient` connected to the oracle of
            another process.
        worker: The name of this process.
        on_change: Function to call after the start and the end of each trial.

    Raises:
        RunError: If files cannot be written.
        KeyboardInterrupt: If a trial was interrupted.
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
    """Returns the time of the last heartbeat of the worker that runs a trial.

    Args:
        directory: The directory of the trial.

    Returns:
        Seconds since 1970 by the clock of the file system, `None` before the first heartbeat.
    """
    try:
        return (directory / HEARTBEAT_FILE).stat().st_mtime
    except FileNotFoundError:
        return None


@contextmanager
def _heartbeat(directory: Path) -> Iterator[None]:
    """Touches a file in the directory every few seconds during the block."""
    ended = threading.Event()
    directory.mkdir(parents=True, exist_ok=True)

    def beat():
        while True:
            (directory / HEARTBEAT_FILE).touch()
            if ended.wait(_HEARTBEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        (directory / HEARTBEAT_FILE).unlink(missing_ok=True)
