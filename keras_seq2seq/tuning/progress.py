"""The progress of a search, and its display."""

import math
import time
from itertools import islice

from keras_tuner.engine.oracle import Oracle
from rich.console import Console, RenderableType
from rich.live import Live

from keras_seq2seq.training.records import MetricsLog
from keras_seq2seq.tuning.oracles import Budget, GridOracle, HyperbandOracle
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import FAILED, RUNNING, TrialRecord
from keras_seq2seq.tuning.trial_table import describe_search, make_trial_table, show_seconds

_MOST_COUNTED = 100_000


class Progress:
    """Tells how much of a search is done and how long the rest will take.

    Args:
        plan: The search.
        oracle: Its oracle.
        budget: Its time.
        workers: The number of trials that run at a time.

    Attributes:
        trials: The number of trials of the whole search, `None` if only its time is limited.
    """

    def __init__(self, plan: SearchPlan, oracle: Oracle, budget: Budget, workers: int = 1):
        self._budget = budget
        self._workers = workers
        if isinstance(oracle, HyperbandOracle):
            rungs, repeated = oracle.rungs, oracle.hyperband_iterations
            self.trials = sum(trials for trials, _ in rungs) * repeated
            self._units = sum(trials * units for trials, units in rungs) * repeated
        else:
            self.trials = plan.max_trials or math.inf
            if isinstance(oracle, GridOracle):
                combinations = islice(oracle.combinations(), _MOST_COUNTED)
                self.trials = min(self.trials, sum(1 for _ in combinations))
            self._units = self.trials * plan.units
        self.trials = None if math.isinf(self.trials) else self.trials

    @property
    def seconds(self) -> float:
        """The seconds that the search has taken."""
        return self._budget.seconds

    def seconds_left(self, records: list[TrialRecord]) -> float | None:
        """Returns the seconds until the end, `None` if nobody can tell yet."""
        done = completed(records)
        units = sum(record.units - record.units_before for record in done)
        limits = [self._budget.seconds_left]
        if units and not math.isinf(self._units):
            seconds_of_unit = sum(record.seconds for record in done) / units
            limits.append(max(self._units - units, 0) * seconds_of_unit / self._workers)
        return min((limit for limit in limits if limit is not None), default=None)


_OTHER_LINES = 4


class SearchView:
    """A table of the trials that lives; lines of what happens where the output is no terminal.

    Args:
        plan: The search.
        progress: How far it has come.
        console: Where to print.

    Example:
        >>> with SearchView(plan, progress, console) as view:
        ...     view.update()
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

    def __enter__(self) -> "SearchView":
        if self._console.is_terminal:
            self._live.start()
        else:
            self._statuses = {record.trial: record.status for record in self._records()}
        return self

    def __exit__(self, *error):
        self._live.stop()

    def update(self):
        """Prints what has happened since the last call, if the output is no terminal."""
        if self._console.is_terminal:
            return
        records = self._records()
        for record in records:
            if self._statuses.get(record.trial) != record.status:
                self._statuses[record.trial] = record.status
                self._console.print(self._describe(record, records), soft_wrap=True, markup=False)

    def _describe(self, record: TrialRecord, records: list[TrialRecord]) -> str:
        line = f"trial {record.trial}: {record.status}"
        if record.status == RUNNING:
            values = ", ".join(f"{name}={value}" for name, value in record.values.items())
            return f"{line}: {values}"
        if record.status == FAILED:
            return f"{line}: {record.message}"
        left = self._progress.seconds_left(records)
        whole = describe_search(
            records, self._plan.objective, self._progress.trials, self._progress.seconds, left
        )
        name, value = self._plan.objective.name, record.objective
        shown = "" if value is None else f", {name} {value:.5g}"
        return f"{line} after {show_seconds(record.seconds)}{shown} | {whole}"

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
        return [self._follow(record) for record in self._plan.directory.records()]

    def _follow(self, record: TrialRecord) -> TrialRecord:
        """Returns the record of a running trial with what it has reached by now."""
        if record.status != RUNNING:
            return record
        log = MetricsLog(self._plan.directory.trial_path(record.trial) / "metrics.jsonl")
        began = record.seconds + time.time() - record.began
        return record.changed(objective=self._plan.objective.best(log.records), seconds=began)
