"""Making the oracle of a search."""

from collections.abc import Callable, Iterator
from itertools import islice

import keras_tuner
from keras_tuner.engine.oracle import Oracle
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from keras_seq2seq.tuning.oracles.crash_safe import Budget, CrashSafe
from keras_seq2seq.tuning.oracles.hyperband import HyperbandOracle


class GridOracle(Oracle):
    """Tries every combination of the space's values; of a range without a step, ten values.

    KerasTuner's own forgets where it was when a search goes on (its issue 1055); here the number
    of a trial says which combination it is.
    """

    def populate_space(self, trial_id):
        combination = next(islice(self.combinations(), len(self.start_order), None), None)
        if combination is None:
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": combination}

    def combinations(self) -> Iterator[dict]:
        """Yields the combinations, the last option of the space varying fastest."""
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
        # Without a step, numbers come from a set.
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
    """Makes the oracle that says which trial comes next.

    Args:
        tuner: One of `TUNERS`.
        objective: What it looks at.
        hyperparameters: The space.
        budget: The time of the search.
        max_trials: The most trials, `None` for no limit.
        units: What the longest trial of Hyperband trains, in epochs or other units.
        seed: Seed of its choices.
        on_end: Function that is called after the end of each trial.
    """
    options = {
        "objective": objective,
        "hyperparameters": hyperparameters,
        "budget": budget,
        "on_end": on_end,
        # KerasTuner takes 0 for none.
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
