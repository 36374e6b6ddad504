"""Grid search, and the choice of an oracle by name."""

from collections.abc import Callable, Iterator
from itertools import islice

import keras_tuner
from keras_tuner.engine.oracle import Oracle
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from keras_seq2seq.tuning.oracles.crash_safe import Budget, CrashSafe
from keras_seq2seq.tuning.oracles.hyperband import HyperbandOracle


class GridOracle(Oracle):
    """Tries all combinations of values, with ten values for a range without a step.

    KerasTuner's own oracle loses its position on resume (keras-tuner issue 1055). This class
    derives the combination from the number of the trial.
    """

    def populate_space(self, trial_id):
        combination = next(islice(self.combinations(), len(self.start_order), None), None)
        if combination is None:
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": combination}

    def combinations(self) -> Iterator[dict]:
        """Yields all combinations; the last option of the space varies fastest."""
        yield from self._extend({}, self.hyperparameters.space)

    def _extend(self, values: dict, space: list) -> Iterator[dict]:
        if not space:
            yield dict(values)
            return
        first, *rest = space
        if not all(condition.is_active(values) for condition in first.conditions):
            yield from self._extend(values, rest)
            return
        choices = first.values
        # The values of a range without a step are a set.
        for value in choices if isinstance(choices, list) else sorted(choices):
            yield from self._extend(values | {first.name: value}, rest)


TUNERS = ("hyperband", "bayesian", "random", "grid")


class _Hyperband(CrashSafe, HyperbandOracle):
    pass


class _Bayesian(CrashSafe, BayesianOptimizationOracle):
    pass


class _Random(CrashSafe, RandomSearchOracle):
    pass


class _Grid(CrashSafe, GridOracle):
    pass


def make_oracle(
    tuner: str,
    objective: keras_tuner.Objective,
    hyperparameters: keras_tuner.HyperParameters,
    budget: Budget,
    max_trials: int | None = None,
    units: int = 1,
    seed: int = 1,
    on_end: Callable[[], object] = lambda: None,
) -> Oracle:
    """Creates an oracle.

    Args:
        tuner: One of `TUNERS`.
        objective: The objective.
        hyperparameters: The search space.
        budget: The time budget of the search.
        max_trials: The maximum number of trials, `None` for no limit.
        units: The training units of Hyperband's longest trial, see `SearchPlan.units`.
        seed: The random seed.
        on_end: Function to call after the end of each trial.

    Returns:
        A crash-safe `Oracle`.
    """
    options = {
        "objective": objective,
        "hyperparameters": hyperparameters,
        "budget": budget,
        "on_end": on_end,
        # KerasTuner treats 0 as no seed.
        "seed": seed or None,
    }
    if tuner == "hyperband":
        return _Hyperband(
            **options,
            max_epochs=units,
            max_trials=max_trials,
            until_stopped=max_trials is None and budget.budget_seconds is not None,
        )
    kinds = {"bayesian": _Bayesian, "random": _Random, "grid": _Grid}
    return kinds[tuner](**options, max_trials=max_trials)
