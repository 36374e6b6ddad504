"""How far a search has come."""

import math
from itertools import islice

from keras_tuner.engine.oracle import Oracle

from keras_seq2seq.tuning.clock import Clock
from keras_seq2seq.tuning.oracles import GridOracle, HyperbandOracle
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import TrialRecord

_MOST_COUNTED = 100_000


class Progress:
    """Tells how much of a search is done and how long the rest will take.

    Args:
        plan: The search.
        oracle: Its oracle.
        clock: Its time.
        workers: The number of trials that run at a time.

    Attributes:
        trials: The number of trials of the whole search, `None` if only its time is limited.
    """

    def __init__(self, plan: SearchPlan, oracle: Oracle, clock: Clock, workers: int = 1):
        self._clock = clock
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
        return self._clock.seconds

    def seconds_left(self, records: list[TrialRecord]) -> float | None:
        """Returns the seconds until the end, `None` if nobody can tell yet."""
        done = completed(records)
        units = sum(record.units - record.units_before for record in done)
        limits = [self._clock.seconds_left]
        if units and not math.isinf(self._units):
            seconds_of_unit = sum(record.seconds for record in done) / units
            limits.append(max(self._units - units, 0) * seconds_of_unit / self._workers)
        return min((limit for limit in limits if limit is not None), default=None)
