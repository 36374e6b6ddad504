"""The progress of a search and its display in the terminal."""

import math
import time
from itertools import islice

from keras_tuner.engine.oracle import Oracle
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from keras_seq2seq.training.records import MetricsLog
from keras_seq2seq.tuning.oracles import Budget, GridOracle, HyperbandOracle
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import FAILED, RUNNING, TrialRecord
from keras_seq2seq.tuning.trial_table import make_trial_table, summarize_trials
from keras_seq2seq.wording import show_seconds

_MAX_COUNTED = 100_000


class Progress:
    """Estimates the remaining time of a search.

    Args:
        plan: The search.
        oracle: The oracle of the search.
        budget: The time budget of the search.
        workers: The number of trials that run at the same time.

    Attributes:
        trials: The total number of trials, `None` if only the time is limited.
    """

    def __init__(self, plan: SearchPlan, oracle: Oracle, budget: Budget, workers: int = 1):
        self._budget = budget
        self._workers = workers
        if isinstance(oracle, HyperbandOracle):
            rungs, iterations = oracle.rungs, oracle.hyperband_iterations
            self.trials = sum(trials for trials, _ in rungs) * iterations
            self._units = sum(trials * units for trials, units in rungs) * iterations
        else:
            self.trials = plan.max_trials or math.inf
            if isinstance(oracle, GridOracle):
                combinations = islice(oracle.combinations(), _MAX_COUNTED)
                self.trials = min(self.trials, sum(1 for _ in combinations))
            self._units = self.trials * plan.units
        self.trials = None if math.isinf(self.trials) else self.trials

    @property
    def seconds(self) -> float:
        """The seconds that the search has taken, over all starts."""
        return self._budget.seconds

    def seconds_left(self, records: list[TrialRecord]) -> float | None:
        """Estimates the seconds until the end of the search.

        Args:
            records: The records of all trials so far.

        Returns:
            The estimate, `None` if there is no time limit and no trial is completed.
        """
        done = completed(records)
        units = sum(record.units - record.units_before for record in done)
        limits = [self._budget.seconds_left]
        if units and not math.isinf(self._units):
            seconds_per_unit = sum(record.seconds for record in done) / units
            limits.append(max(self._units - units, 0) * seconds_per_unit / self._workers)
        return min((limit for limit in limits if limit is not None), default=None)


# Lines of the terminal to leave for everything except the rows of the table.
_OTHER_LINES = 4


class SearchDisplay:
    """Shows a live table of the trials, or prints changes line by line without a terminal.

    Args:
        plan: The search.
        progress: The progress of the search.
        console: `rich.console.Console` to print to.

    Example:
        >>> with SearchDisplay(plan, progress, console) as display:
        ...     display.update()
    """

    def __init__(self, plan: SearchPlan, progress: Progress, console: Console):
        self._plan = plan
        self._progress = progress
        self._console = console
        self._live = Live(
            get_renderable=self._render,
            console=console,
            refresh_per_second=1,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._statuses: dict[str, str] = {}

    def __enter__(self) -> "SearchDisplay":
        if self._console.is_terminal:
            self._live.start()
        else:
            self._statuses = {record.trial: record.status for record in self._records()}
        return self

    def __exit__(self, *error):
        self._live.stop()

    def update(self):
        """Prints status changes since the last call, unless the output is a terminal."""
        if self._console.is_terminal:
            return
        records = self._records()
        for record in records:
            if self._statuses.get(record.trial) != record.status:
                self._statuses[record.trial] = record.status
                self._console.print(Text(self._describe(record, records)), soft_wrap=True)

    def _describe(self, record: TrialRecord, records: list[TrialRecord]) -> str:
        line = f"trial {record.trial}: {record.status}"
        if record.status == RUNNING:
            values = ", ".join(f"{name}={value}" for name, value in record.values.items())
            return f"{line}: {values}"
        if record.status == FAILED:
            return f"{line}: {record.message}"
        left = self._progress.seconds_left(records)
        summary = summarize_trials(
            records, self._plan.objective, self._progress.trials, self._progress.seconds, left
        )
        name, value = self._plan.objective.name, record.objective
        shown = "" if value is None else f", {name} {value:.5g}"
        return f"{line} after {show_seconds(record.seconds)}{shown} | {summary}"

    def _render(self) -> RenderableType:
        records = self._records()
        return make_trial_table(
            records,
            self._plan.objective,
            max(self._console.height - _OTHER_LINES, 3),
            self._progress.trials,
            self._progress.seconds,
            self._progress.seconds_left(records),
        )

    def _records(self) -> list[TrialRecord]:
        return [self._refresh(record) for record in self._plan.records()]

    def _refresh(self, record: TrialRecord) -> TrialRecord:
        """Returns the record of a running trial with its current objective and time."""
        if record.status != RUNNING:
            return record
        log = MetricsLog(self._plan.directory.trial_path(record.trial) / "metrics.jsonl")
        seconds = record.seconds + time.time() - record.began
        return record.changed(objective=self._plan.objective.best(log.records), seconds=seconds)
