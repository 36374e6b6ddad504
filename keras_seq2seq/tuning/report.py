"""A search as a page."""

import html
import json
import os
import re
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

from keras_seq2seq.data.atomic_file import atomic_file
from keras_seq2seq.tuning.importance import option_importance
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.trial_record import TrialRecord


def write_report(path: str | os.PathLike) -> Path:
    """Writes `report.html` into the directory of a search.

    The page loads nothing from anywhere. It shows the objective over the trials, the options as
    parallel coordinates, how much each option matters, and all trials.

    Args:
        path: The directory of the search, which may still be running.

    Returns:
        The path of the page.

    Raises:
        UserError: If there is no search.
    """
    plan = SearchPlan.load(path)
    records = plan.directory.records()
    data = {
        "objective": plan.objective.name,
        "lowerIsBetter": plan.objective.lower_is_better,
        "tuner": plan.tuner,
        "unit": "epochs" if plan.max_epochs is not None else "evaluations",
        "options": [_describe_option(plan.space, d.name) for d in plan.space.dimensions],
        "trials": [_describe_trial(record, plan.space) for record in records],
        "importance": list(option_importance(records, plan.space, plan.objective).items()),
        "written": datetime.now().isoformat(" ", timespec="minutes"),
    }
    # Whatever the values are, no part of them can end the script.
    as_json = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    name = plan.directory.path.resolve().name
    fields = {"title": html.escape(f"Search {name}"), "data": as_json}
    with atomic_file(plan.directory.report_path) as file:
        file.write(re.sub(r"{{(\w+)}}", lambda match: fields[match[1]], _template()))
    return plan.directory.report_path


def _describe_option(space: SearchSpace, name: str) -> dict:
    """Returns an option with the marks of its axis: their places and what stands there."""
    dimension = space[name]
    marks = sorted((round(dimension.position(value), 3), _show(value)) for value in dimension.marks)
    return {"name": name, "marks": marks}


def _describe_trial(record: TrialRecord, space: SearchSpace) -> dict:
    return {
        "trial": record.trial,
        "status": record.status,
        "objective": record.objective,
        "seconds": round(record.seconds),
        "units": record.units,
        "continues": record.continues,
        "message": record.message,
        "values": {name: _show(value) for name, value in record.values.items()},
        "positions": {
            name: round(space[name].position(value), 5) for name, value in record.values.items()
        },
    }


def _show(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@cache
def _template() -> str:
    page = resources.files("keras_seq2seq.tuning") / "report_page.html"
    return page.read_text(encoding="utf-8")
