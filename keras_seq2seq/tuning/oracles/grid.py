"""All combinations, one after the other."""

from collections.abc import Iterator
from itertools import islice

from keras_tuner.engine.oracle import Oracle
from keras_tuner.engine.trial import TrialStatus


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
