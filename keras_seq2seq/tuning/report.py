"""The report of a search."""

import html
import json
import os
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from tensorboard.plugins.hparams import api, api_pb2, summary

from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.trial_record import FAILED, TrialRecord

_FEWEST_TRIALS = 6
_LENGTH = "length of training"


def option_importance(
    records: Sequence[TrialRecord], space: SearchSpace, objective: Objective
) -> dict[str, float]:
    """Returns the share that each option has in the differences between trials.

    A random forest learns the rank of a trial from its options; the importance of one is what the
    forest loses when its values are shuffled among the trials. How long trials were trained, which
    differs with Hyperband, is learnt and counted too, lest it be taken for an effect of options.

    Args:
        records: The trials; those that have ended count.
        space: The options.
        objective: What the trials are compared by.

    Returns:
        Shares of 1 by names, the largest first; nothing if fewer than six trials have ended, or
        no option makes a difference.

    Reference:
        - Breiman, "Random Forests", 2001, section 10
    """
    records = completed(records)
    if len(records) < _FEWEST_TRIALS:
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
    """Returns a number for a value, -1 where the option was not searched."""
    if name not in record.values:
        return -1
    return space[name].position(record.values[name])


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


class HParamsBoard:
    """Writes a trial's searched options and its results.

    Args:
        log_dir: A directory of the trial alone, in one for `tensorboard --logdir` of all trials.
        objective: What the tab shows as the result.
    """

    def __init__(self, log_dir: str | os.PathLike, objective: Objective):
        self._path = Path(log_dir)
        self._objective = objective

    def start(self, record: TrialRecord):
        """Writes the options; a trial that goes on begins its file anew."""
        for file in self._path.glob("*tfevents*"):
            file.unlink()
        values = {name: _plain(value) for name, value in record.values.items()}
        writer = self._writer()
        with writer.as_default(step=0):
            api.hparams(values | {"units": record.units}, trial_id=record.trial)
        writer.close()

    def end(self, record: TrialRecord, evaluations: list[dict]):
        """Writes the objective of each evaluation, and how the trial ended."""
        writer = self._writer()
        with writer.as_default():
            for evaluation in evaluations:
                value = evaluation[self._objective.name]
                tf.summary.scalar(self._objective.name, value, step=evaluation["step"])
            if record.objective is not None:
                last = evaluations[-1]["step"]
                tf.summary.scalar(f"best_{self._objective.name}", record.objective, step=last)
            failed = record.status == FAILED
            ended = summary.session_end_pb(
                api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
            )
            tf.summary.experimental.write_raw_pb(ended.SerializeToString(), step=0)
        writer.close()

    def _writer(self) -> tf.summary.SummaryWriter:
        return tf.summary.create_file_writer(os.fspath(self._path))


def _plain(value) -> bool | int | float | str:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
