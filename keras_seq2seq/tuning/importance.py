"""Which options matter."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.trial_record import TrialRecord

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
