"""Workers of which nothing is heard any more."""

import time

from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.work import last_heartbeat

_SILENCE_SECONDS = 180


class LostWorkers:
    """Gives the trials of lost workers to others.

    A worker shows every ten seconds, in the directory that all share, that it is there.

    Args:
        directory: The directory of the search.
        oracle: Its oracle.
        silence_seconds: The seconds without a sign after which a worker is lost.
    """

    def __init__(self, directory: SearchDirectory, oracle, silence_seconds=_SILENCE_SECONDS):
        self._directory = directory
        self._oracle = oracle
        self._silence_seconds = silence_seconds
        # The last sign of each worker's trial, with the time here when it was first seen: the
        # clocks of machines differ.
        self._signs: dict[tuple[str, str], tuple[float | None, float]] = {}

    def give_up(self):
        """Takes the trials from those that are lost."""
        now = time.monotonic()
        for worker, trial in list(self._oracle.ongoing_trials.items()):
            sign = last_heartbeat(self._directory.trial_path(trial.trial_id))
            known = self._signs.get((worker, trial.trial_id))
            if known is None or known[0] != sign:
                self._signs[worker, trial.trial_id] = sign, now
            elif now - known[1] > self._silence_seconds:
                self._oracle.give_up(worker)
                del self._signs[worker, trial.trial_id]
