"""Running a search that has been planned."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass

import grpc
from keras_tuner.src.distribute.oracle_client import OracleClient
from rich.console import Console

from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.tuning.distributed import OracleServer, Role
from keras_seq2seq.tuning.local_workers import LocalWorkers, LostWorkers
from keras_seq2seq.tuning.open_oracle import open_oracle, tidy
from keras_seq2seq.tuning.oracles import Budget
from keras_seq2seq.tuning.progress import Progress, SearchView
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import FAILED, TrialRecord
from keras_seq2seq.tuning.trial_table import best_record
from keras_seq2seq.tuning.work import work

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class SearchResult:
    """What a search came to.

    Attributes:
        directory: Its files; `directory.best_path` is the model directory of the best trial.
        records: The trials.
        best: The best one.
    """

    directory: SearchDirectory
    records: list[TrialRecord]
    best: TrialRecord


def run_search(
    plan: SearchPlan, workers: int = 1, console: Console | None = None
) -> SearchResult | None:
    """Runs the trials of a search, or goes on with one that was stopped or killed.

    In a process that KerasTuner's environment variables make the chief or a worker of a search
    on several machines, it does that part.

    Args:
        plan: What `prepare_search` returned.
        workers: The number of processes that run trials here at the same time.
        console: Where to print. Defaults to standard error.

    Returns:
        What it came to, `None` in a worker.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the running trials have been saved.
        RunError: If no trial has come to a result, or files cannot be written.
        UserError: If the directory cannot be written.
    """
    role = Role.from_environment()
    if role.address is not None and workers > 1:
        raise UserError("--workers starts a chief of its own; unset KERASTUNER_TUNER_ID")
    # KerasTuner prints what a condition holds each time that one goes over the wire.
    with _terminable(), redirect_stdout(None):
        if role.is_worker:
            work_for_chief(plan)
            return None
        return _lead(plan, role, workers, console or Console(stderr=True, highlight=False))


def work_for_chief(plan: SearchPlan):
    """Runs trials for the chief that KerasTuner's environment variables name.

    Raises:
        RunError: If the connection is lost, or files cannot be written.
    """
    role = Role.from_environment()
    # Of the oracle it would only read what is not needed here.
    oracle = OracleClient(None)
    try:
        work(plan, oracle, role.worker)
    except grpc.RpcError as error:
        raise RunError(
            f"{role.address}: lost the chief ({error.code().name}); start it again with the same "
            "command, then this worker"
        ) from error


def _lead(plan: SearchPlan, role: Role, workers: int, console: Console) -> SearchResult:
    directory = plan.directory
    if plan.resume == "never":
        directory.clear()
    plan.save()
    budget = Budget(None if plan.budget_minutes is None else 60 * plan.budget_minutes)
    oracle = open_oracle(plan, budget, workers_may_live=role.is_chief)
    before = len(oracle.end_order)
    if oracle.start_order:
        console.print(
            f"{directory.path}: going on after {before} trials", soft_wrap=True, markup=False
        )
    progress = Progress(plan, oracle, budget, workers)
    try:
        with SearchView(plan, progress, console) as view:
            if role.is_chief:
                _serve(plan, oracle, role.address, view)
            elif workers > 1:
                _lead_workers(plan, oracle, budget, workers, view)
            else:
                _work_alone(plan, oracle, budget, role.worker, view)
    except KeyboardInterrupt:
        console.print(
            f"Stopped; everything is saved in {directory.path}. The same command goes on from "
            "there.",
            soft_wrap=True,
            markup=False,
        )
        raise
    finally:
        oracle.save()
    tidy(plan, oracle)
    return _result(plan)


def _work_alone(plan: SearchPlan, oracle, budget: Budget, worker: str, view: SearchView):
    with _interrupt_after(budget.seconds_left):
        try:
            work(plan, oracle, worker, view.update)
        except KeyboardInterrupt:
            if not budget.is_over:
                raise
    view.update()


def _lead_workers(plan: SearchPlan, oracle, budget: Budget, count: int, view: SearchView):
    with OracleServer(oracle, "127.0.0.1:0") as server:
        workers = LocalWorkers(count, plan.directory, oracle, server.port)
        try:
            while not workers.are_done and not budget.is_over:
                view.update()
                workers.replace_lost()
                time.sleep(_POLL_SECONDS)
            workers.stop()
        except KeyboardInterrupt:
            workers.stop()
            raise
        finally:
            workers.kill()
            view.update()


def _serve(plan: SearchPlan, oracle, address: str, view: SearchView):
    with OracleServer(oracle, address) as server:
        lost = LostWorkers(plan.directory, oracle)
        while not server.is_done:
            view.update()
            lost.give_up()
            time.sleep(_POLL_SECONDS)
        view.update()


def _result(plan: SearchPlan) -> SearchResult:
    records = plan.directory.records()
    best = best_record(records, plan.objective)
    if best is None:
        raise RunError(f"{plan.directory.path}: no trial has come to a result: {_explain(records)}")
    return SearchResult(plan.directory, records, best)


def _explain(records: list[TrialRecord]) -> str:
    reasons = [record.message for record in records if record.status == FAILED]
    if reasons:
        return f"all {len(records)} have failed, the first one with: {reasons[0]}"
    return "the time was over before the first evaluation; allow more --budget_minutes"


@contextmanager
def _terminable() -> Iterator[None]:
    """Makes SIGTERM what Ctrl-C is, so that what runs is saved."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _interrupt_after(seconds: float | None) -> Iterator[None]:
    """Interrupts this process when some seconds have gone."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGTERM])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
