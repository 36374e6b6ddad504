"""The HTML report of a search, and the importance of hyperparameters."""

import html
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.plots.html_page import fill_template, read_template, script_data
from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.trial_record import TrialRecord

_MIN_TRIALS = 6
_LENGTH = "length of training"


def option_importance(
    records: Sequence[TrialRecord], space: SearchSpace, objective: Objective
) -> dict[str, float]:
    """Estimates how much each option contributes to the differences between trials.

    A random forest learns to predict the rank of a trial from its options. The importance of an
    option is its permutation importance: the loss in accuracy when its values are shuffled among
    the trials. The length of training, which varies between Hyperband's trials, is an additional
    input, so that its effect is not attributed to the options.

    Args:
        records: The trials. Only completed ones are used.
        space: The search space.
        objective: The objective that ranks the trials.

    Returns:
        A dictionary from option names to importances, which add up to 1, in descending order. It
        is empty if fewer than six trials are completed or no option makes a difference.

    Reference:
        - Breiman, 2001, "Random Forests", https://doi.org/10.1023/A:1010933404324, section 10
    """
    records = [record for record in completed(records) if record.objective is not None]
    if len(records) < _MIN_TRIALS:
        return {}
    names = [dimension.name for dimension in space.dimensions]
    columns = [[_position(space, name, record) for record in records] for name in names]
    if len({record.units for record in records}) > 1:
        names.append(_LENGTH)
        columns.append([record.units for record in records])
    values = [objective.sort_key(record.objective) for record in records]
    ranks = np.argsort(np.argsort(values)).astype(float)
    inputs = np.transpose(columns)
    forest = RandomForestRegressor(n_estimators=200, min_samples_leaf=2, random_state=1)
    forest.fit(inputs, ranks)
    losses = permutation_importance(forest, inputs, ranks, n_repeats=20, random_state=1)
    shares = np.maximum(losses.importances_mean, 0)
    if not shares.sum():
        return {}
    shares = shares / shares.sum()
    return {names[place]: float(shares[place]) for place in np.argsort(-shares)}


def _position(space: SearchSpace, name: str, record: TrialRecord) -> float:
    """Returns the input of the forest for an option, -1 if the trial did not search it."""
    if name not in record.values:
        return -1
    return space[name].position(record.values[name])


def write_report(path: str | os.PathLike) -> Path:
    """Writes `report.html` to the directory of a search.

    The page is self-contained. It shows the objective by trial, the options as parallel
    coordinates, the importance of each option, and a table of all trials.

    Args:
        path: The directory of the search, which may still be running.

    Returns:
        The path of the page.

    Raises:
        UserError: If the directory contains no search.
    """
    plan = SearchPlan.load(path)
    records = plan.records()
    data = {
        "objective": plan.objective.name,
        "lowerIsBetter": plan.objective.lower_is_better,
        "tuner": plan.tuner,
        "unit": "epochs" if plan.max_epochs is not None else "evaluations",
        "options": [_describe_option(plan.space, d.name) for d in plan.space.dimensions],
        "trials": [_describe_trial(record, plan.space) for record in records],
        "importance": list(option_importance(records, plan.space, plan.objective).items()),
        "created": datetime.now().isoformat(" ", timespec="minutes"),
    }
    name = plan.directory.path.resolve().name
    fields = {"title": html.escape(f"Hyperparameter search: {name}"), "data": script_data(data)}
    template = read_template("keras_seq2seq.tuning", "report_page.html")
    with atomic_file(plan.directory.report_path) as file:
        file.write(fill_template(template, fields))
    return plan.directory.report_path


def _describe_option(space: SearchSpace, name: str) -> dict:
    """Returns an option with the positions and labels of its axis marks."""
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
