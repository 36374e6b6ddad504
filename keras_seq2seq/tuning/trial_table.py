"""Tables and summaries of trials for the terminal."""

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, RUNNING, TrialRecord
from keras_seq2seq.wording import count, show_seconds

_UNLIMITED = 10_000
_STYLES = {COMPLETED: "green", FAILED: "red", RUNNING: "cyan"}


def make_trial_table(
    records: Sequence[TrialRecord],
    objective: Objective,
    rows: int | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    seconds_left: float | None = None,
) -> RenderableType:
    """Returns a table of trials, followed by a summary, for printing with `rich`.

    Args:
        records: The trials.
        objective: The objective of the search.
        rows: The maximum number of rows. If there are more trials, the running, the best and the
            most recent ones are shown.
        trials: The total number of trials of the search, if known.
        seconds: The seconds that the search has taken, if known.
        seconds_left: The estimated seconds until the end of the search, if known.
    """
    summary = summarize_trials(records, objective, trials, seconds, seconds_left)
    return Group(_TrialTable(records, objective, rows), Text(summary))


class _TrialTable:
    """The rows of trials: a table if it fits the console, else options below each row."""

    def __init__(self, records: Sequence[TrialRecord], objective: Objective, rows: int | None):
        self._records = records
        self._objective = objective
        self._rows = rows
        self._best = best_record(records, objective)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._make_table(_choose(self._records, self._objective, self._rows))
        unlimited = options.update(max_width=_UNLIMITED)
        if Measurement.get(console, unlimited, table).maximum <= options.max_width:
            yield table
            return
        # A trial takes two lines or more.
        rows = self._rows and max(self._rows // 2, 1)
        records = _choose(self._records, self._objective, rows)
        lines = console.render_lines(self._make_table(records, with_options=False), options)
        for record, line in zip([None, *records], lines, strict=True):
            yield from [*line, Segment.line()]
            if record is not None and record.values:
                values = ", ".join(
                    f"{name}={_show(value)}" for name, value in record.values.items()
                )
                yield Padding(Text(values), (0, 0, 0, 2))

    def _make_table(self, records: Sequence[TrialRecord], with_options: bool = True) -> Table:
        names = dict.fromkeys(name for record in self._records for name in record.values)
        names = list(names) if with_options else []
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("trial")
        table.add_column("status")
        table.add_column(self._objective.name, justify="right")
        table.add_column("time", justify="right")
        table.add_column("trained", justify="right")
        for name in names:
            table.add_column(Text(name))
        for record in records:
            lower = record.continues
            values = [_show(record.values[n]) if n in record.values else "" for n in names]
            table.add_row(
                record.trial if lower is None else f"{record.trial} < {lower}",
                Text(record.status, _STYLES.get(record.status, "")),
                _show_number(record.objective) + (" *" if record is self._best else ""),
                show_seconds(record.seconds),
                str(record.units),
                *map(Text, values),
            )
        return table


def print_trials(path: str | os.PathLike, file: TextIO | None = None):
    """Prints the trials of a search, best first.

    Args:
        path: The directory of the search, which may still be running.
        file: The text file to print to. Defaults to standard output.

    Raises:
        UserError: If the directory contains no search.
    """
    plan = SearchPlan.load(path)
    file = file or sys.stdout
    if file is None:
        return  # Standard output is closed.
    # Without a terminal, rich would wrap lines at 80 columns.
    console = Console(
        file=file,
        width=None if file.isatty() else _UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
    )
    worst = float("inf")

    def rank(record):
        value = record.objective
        return worst if value is None or record.status == FAILED else plan.objective.sort_key(value)

    console.print(make_trial_table(sorted(plan.records(), key=rank), plan.objective))


def summarize_trials(
    records: Sequence[TrialRecord],
    objective: Objective,
    trials: int | None = None,
    seconds: float | None = None,
    seconds_left: float | None = None,
) -> str:
    """Returns a one-line summary: the number of finished trials, the best one, and the time.

    Args:
        records: The trials.
        objective: The objective of the search.
        trials: The total number of trials of the search, if known.
        seconds: The seconds that the search has taken, if known.
        seconds_left: The estimated seconds until the end of the search, if known.
    """
    ended = sum(record.status in (COMPLETED, FAILED) for record in records)
    failed = sum(record.status == FAILED for record in records)
    parts = [f"{ended} of {count(trials, 'trial')}" if trials else count(ended, "trial")]
    if failed:
        parts.append(f"{failed} failed")
    if best := best_record(records, objective):
        parts.append(f"best {objective.name} {_show_number(best.objective)} (trial {best.trial})")
    if seconds is not None:
        parts.append(f"{show_seconds(seconds)} elapsed")
    if seconds_left is not None:
        parts.append(f"about {show_seconds(seconds_left)} left")
    return " | ".join(parts)


def best_record(records: Sequence[TrialRecord], objective: Objective) -> TrialRecord | None:
    """Returns the record with the best objective, the first one in case of a tie.

    Args:
        records: The trials. Failed trials are ignored.
        objective: The objective of the search.

    Returns:
        The best record, `None` if no trial has been evaluated.
    """
    rated = [r for r in records if r.objective is not None and r.status != FAILED]
    return min(rated, key=lambda record: objective.sort_key(record.objective), default=None)


def _choose(
    records: Sequence[TrialRecord], objective: Objective, rows: int | None
) -> list[TrialRecord]:
    if rows is None or len(records) <= rows:
        return list(records)
    rated = [r for r in records if r.objective is not None and r.status != FAILED]
    ranked = [
        *(record for record in records if record.status == RUNNING),
        *sorted(rated, key=lambda record: objective.sort_key(record.objective))[: rows // 2],
        *reversed(records),
    ]
    chosen = list(dict.fromkeys(record.trial for record in ranked))[:rows]
    return [record for record in records if record.trial in chosen]


def _show(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _show_number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
