"""Running a planned search."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from signal import SIGTERM

import grpc
from keras_tuner.src.distribute.oracle_client import OracleClient
from rich.console import Console

from keras_seq2seq.callbacks import error_console, interrupted_by_signals, print_line
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files.directories import DirectoryLock
from keras_seq2seq.tuning.distributed import LostWorkers, OracleServer, Role
from keras_seq2seq.tuning.local_workers import LocalWorkers
from keras_seq2seq.tuning.open_oracle import open_oracle, tidy
from keras_seq2seq.tuning.oracles import Budget
from keras_seq2seq.tuning.progress import Progress, SearchDisplay
from keras_seq2seq.tuning.run_trials import run_trials
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import FAILED, TrialRecord
from keras_seq2seq.tuning.trial_table import best_record
from keras_seq2seq.wording import count

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        directory: The directory of the search; `directory.best_path` is the model directory of
            the best trial.
        records: The records of all trials.
        best: The record of the best trial.
    """

    directory: SearchDirectory
    records: list[TrialRecord]
    best: TrialRecord


def run_search(
    plan: SearchPlan, workers: int = 1, console: Console | None = None
) -> SearchResult | None:
    """Runs a search, or resumes one that was interrupted or killed.

    KerasTuner's environment variables make this process the chief or a worker of a search on
    several machines.

    Args:
        plan: The plan from `prepare_search`.
        workers: The number of local processes that run trials at the same time.
        console: `rich.console.Console` to print to. Defaults to standard error.

    Returns:
        A `SearchResult`, or `None` in a worker.

    Raises:
        KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP, once the running trials have been saved.
        RunError: If no trial produced a result, or files cannot be written.
        UserError: If the directory cannot be written or another process runs a search in it, or the
            environment variables are incomplete.

    Example:
        >>> plan = prepare_search(config, load_space("space.yaml"), "search", max_trials=30)
        >>> result = run_search(plan)
        >>> result.best.values
    """
    role = Role.from_environment()
    if role.address is not None and workers > 1:
        raise UserError(
            "--workers starts its own chief; unset KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and "
            "KERASTUNER_ORACLE_PORT"
        )
    # KerasTuner prints the values of conditions whenever it serializes them.
    with interrupted_by_signals(), redirect_stdout(None):
        if role.is_worker:
            run_worker(plan)
            return None
        with DirectoryLock(plan.directory.path):
            return _run_chief(plan, role, workers, console or error_console())


def run_worker(plan: SearchPlan):
    """Runs trials for the chief given by KerasTuner's environment variables.

    Args:
        plan: The search.

    Raises:
        RunError: If the connection is lost, or files cannot be written.
    """
    role = Role.from_environment()
    # `OracleClient` reads attributes of a local oracle that trials do not need.
    oracle = OracleClient(None)
    try:
        run_trials(plan, oracle, role.worker)
    except grpc.RpcError as error:
        raise RunError(
            f"{role.address}: lost the connection to the chief ({error.code().name}); restart the "
            "chief with the same command, then this worker"
        ) from error


def _run_chief(plan: SearchPlan, role: Role, workers: int, console: Console) -> SearchResult:
    directory = plan.directory
    if plan.resume == "never":
        directory.clear()
    plan.save()
    budget = Budget(None if plan.budget_minutes is None else 60 * plan.budget_minutes)
    oracle = open_oracle(plan, budget, workers_may_live=role.is_chief)
    if oracle.start_order:
        ended = count(len(oracle.end_order), "trial")
        print_line(console, f"{directory.path}: resuming after {ended}")
    progress = Progress(plan, oracle, budget, workers)
    try:
        with SearchDisplay(plan, progress, console) as display:
            if role.is_chief:
                _serve_remote_workers(plan, oracle, role.address, display)
            elif workers > 1:
                _run_local_workers(plan, oracle, budget, workers, display)
            else:
                _run_alone(plan, oracle, budget, role.worker, display)
    except KeyboardInterrupt:
        print_line(
            console,
            f"Stopped; everything is saved in {directory.path}. Rerun the same command to resume.",
        )
        raise
    finally:
        oracle.save()
    tidy(plan, oracle)
    return _result(plan)


def _run_alone(plan: SearchPlan, oracle, budget: Budget, worker: str, display: SearchDisplay):
    if budget.is_over:
        return
    try:
        with _interrupt_after(budget.seconds_left):
            run_trials(plan, oracle, worker, display.update)
    except KeyboardInterrupt:
        if not budget.is_over:
            raise
    display.update()


def _run_local_workers(
    plan: SearchPlan, oracle, budget: Budget, num_workers: int, display: SearchDisplay
):
    with OracleServer(oracle, "127.0.0.1:0") as server:
        workers = LocalWorkers(num_workers, plan.directory, oracle, server.port)
        try:
            while not workers.are_done and not budget.is_over:
                display.update()
                workers.replace_lost()
                time.sleep(_POLL_SECONDS)
            workers.stop()
        except KeyboardInterrupt:
            workers.stop()
            raise
        finally:
            workers.kill()
            display.update()


def _serve_remote_workers(plan: SearchPlan, oracle, address: str, display: SearchDisplay):
    with OracleServer(oracle, address) as server:
        lost = LostWorkers(plan.directory, oracle)
        while not server.is_done:
            display.update()
            lost.reassign()
            time.sleep(_POLL_SECONDS)
        display.update()


def _result(plan: SearchPlan) -> SearchResult:
    records = plan.records()
    best = best_record(records, plan.objective)
    if best is None:
        raise RunError(f"{plan.directory.path}: no trial produced a result: {_explain(records)}")
    return SearchResult(plan.directory, records, best)


def _explain(records: list[TrialRecord]) -> str:
    reasons = [record.message for record in records if record.status == FAILED]
    if reasons:
        return f"{count(len(reasons), 'trial')} failed; first error: {reasons[0]}"
    return "the time limit was reached before the first evaluation; increase --budget_minutes"


@contextmanager
def _interrupt_after(seconds: float | None) -> Iterator[None]:
    """Interrupts the block after some seconds; never if `seconds` is `None`."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, os.kill, [os.getpid(), SIGTERM])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
