"""The oracle of a search."""

from collections.abc import Callable

import keras_tuner
from keras_tuner.engine.oracle import Oracle
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from keras_seq2seq.tuning.clock import Clock
from keras_seq2seq.tuning.oracles.durable import Durable
from keras_seq2seq.tuning.oracles.grid import GridOracle
from keras_seq2seq.tuning.oracles.hyperband import HyperbandOracle

TUNERS = ("hyperband", "bayesian", "random", "grid")


class _Hyperband(Durable, HyperbandOracle):
    pass


class _Bayesian(Durable, BayesianOptimizationOracle):
    pass


class _Random(Durable, RandomSearchOracle):
    pass


class _Grid(Durable, GridOracle):
    pass


def make_oracle(
    tuner: str,
    objective: keras_tuner.Objective,
    hyperparameters: keras_tuner.HyperParameters,
    clock: Clock,
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
        clock: The time of the search.
        max_trials: The most trials, `None` for no limit.
        units: What the longest trial of Hyperband trains, in epochs or other units.
        seed: Seed of its choices.
        on_end: Function that is called after the end of each trial.
    """
    options = {
        "objective": objective,
        "hyperparameters": hyperparameters,
        "clock": clock,
        "on_end": on_end,
        # KerasTuner takes 0 for none.
        "seed": seed or None,
    }
    if tuner == "hyperband":
        return _Hyperband(
            **options,
            max_epochs=units,
            max_trials=max_trials,
            until_stopped=max_trials is None and clock.budget_seconds is not None,
        )
    kinds = {"bayesian": _Bayesian, "random": _Random, "grid": _Grid}
    return kinds[tuner](**options, max_trials=max_trials)
