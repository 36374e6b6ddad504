"""Hyperband within a given number of trials."""

import math

from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import HyperbandOracle as KerasTunerHyperband

from keras_seq2seq.errors import UserError


class HyperbandOracle(KerasTunerHyperband):
    """Hyperband with brackets narrowed to fit a maximum number of trials.

    KerasTuner's oracle can only be limited to a number of full iterations, and it promotes no
    trials from a rung in which trials failed or the search space was exhausted. This class
    promotes the best of the remaining ones. Each promotion counts as a trial.

    Args:
        max_trials: Integer, the maximum number of trials; `None` for no limit.
        until_stopped: Boolean, whether to repeat iterations without end. By default, one
            iteration is run, or as many as fit `max_trials`.
        **options: Arguments of KerasTuner's `HyperbandOracle`.

    Raises:
        UserError: If `max_trials` is less than the number of rungs.

    Reference:
        - Li et al., 2018, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter
          Optimization", https://jmlr.org/papers/v18/16-558.html
    """

    def __init__(self, max_trials=None, until_stopped=False, **options):
        self.width = 1.0
        iterations = None if until_stopped else 1
        super().__init__(hyperband_iterations=iterations, **options)
        if max_trials is None:
            return
        self.hyperband_iterations = max(1, max_trials // self.trials_in_iteration)
        while self.trials_in_iteration > max_trials:
            if self.width < 1e-3:
                raise UserError(
                    f"--max_trials: hyperband needs at least {self.trials_in_iteration} trials if "
                    f"the longest one takes {self.max_epochs} epochs or evaluations, got "
                    f"{max_trials}; allow more trials, or reduce the length of training"
                )
            self.width *= 0.99

    @property
    def rungs(self) -> list[tuple[int, int]]:
        """For each rung of an iteration, the number of trials and the units that each trains."""
        rungs = []
        for bracket in range(self._get_num_brackets()):
            for number in range(self._get_num_rounds(bracket)):
                units = self._get_epochs(bracket, number)
                before = self._get_epochs(bracket, number - 1) if number else 0
                rungs.append((self._get_size(bracket, number), units - before))
        return rungs

    @property
    def shortest(self) -> int:
        """The number of units of the shortest trials."""
        return min(self._get_epochs(bracket, 0) for bracket in range(self._get_num_brackets()))

    @property
    def trials_in_iteration(self) -> int:
        """The number of trials per iteration."""
        return sum(trials for trials, _ in self.rungs)

    def populate_space(self, trial_id):
        for bracket in self._brackets:
            first = bracket["rounds"][0]
            if len(first) < self._get_size(bracket["bracket_num"], 0):
                if not bracket.get("exhausted"):
                    response = self._random_trial(trial_id, bracket)
                    if response["status"] == TrialStatus.RUNNING:
                        return response
                bracket["exhausted"] = True
            for number in range(1, len(bracket["rounds"])):
                best = self._promotable(bracket, number)
                if best is not None:
                    return self._promote(trial_id, best, bracket, number)
        is_last = self._current_iteration + 1 >= self.hyperband_iterations
        exhausted = any(bracket.get("exhausted") for bracket in self._brackets)
        if (self._current_bracket == 0 and is_last) or exhausted:
            status = TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED
            return {"status": status, "values": None}
        self._increment_bracket_num()
        self._start_new_bracket()
        return self.populate_space(trial_id)

    def promotable_trials(self) -> set[str]:
        """Returns the ids of trials that may still be promoted to a higher rung."""
        trials = set()
        for bracket in self._brackets:
            for number in range(1, len(bracket["rounds"])):
                completed, promoted = self._completed(bracket, number)
                size = self._get_size(bracket["bracket_num"], number)
                trials.update(trial.trial_id for trial in completed[:size])
                trials -= promoted
        return trials

    def _promotable(self, bracket: dict, number: int):
        """Returns the best unpromoted trial of the rung below, if it is certain to be promoted."""
        completed, promoted = self._completed(bracket, number)
        candidates = [trial for trial in completed if trial.trial_id not in promoted]
        below = bracket["rounds"][number - 1]
        failed = sum(self.trials[info["id"]].status == TrialStatus.FAILED for info in below)
        # Unfinished trials of the rung below, which may turn out to be better.
        unfinished = self._expected(bracket, number - 1) - failed - len(completed)
        size = self._get_size(bracket["bracket_num"], number)
        if candidates and len(promoted) + unfinished < size:
            return candidates[0]
        return None

    def _completed(self, bracket: dict, number: int):
        """Returns the completed trials of the rung below, best first, and the promoted ids."""
        trials = [self.trials[info["id"]] for info in bracket["rounds"][number - 1]]
        completed = [trial for trial in trials if trial.status == TrialStatus.COMPLETED]
        sign = -1 if self.objective.direction == "max" else 1
        completed.sort(key=lambda trial: sign * trial.score)
        return completed, {info["past_id"] for info in bracket["rounds"][number]}

    def _expected(self, bracket: dict, number: int) -> int:
        """Returns the final number of trials of a rung."""
        started = len(bracket["rounds"][number])
        size = self._get_size(bracket["bracket_num"], number)
        if number == 0:
            return started if bracket.get("exhausted") else size
        below = bracket["rounds"][number - 1]
        failed = sum(self.trials[info["id"]].status == TrialStatus.FAILED for info in below)
        return min(size, self._expected(bracket, number - 1) - failed)

    def _promote(self, trial_id, trial, bracket, number):
        values = dict(trial.hyperparameters.values)
        values["tuner/trial_id"] = trial.trial_id
        values["tuner/epochs"] = self._get_epochs(bracket["bracket_num"], number)
        values["tuner/initial_epoch"] = self._get_epochs(bracket["bracket_num"], number - 1)
        values["tuner/bracket"] = bracket["bracket_num"]
        values["tuner/round"] = number
        bracket["rounds"][number].append({"past_id": trial.trial_id, "id": trial_id})
        return {"status": TrialStatus.RUNNING, "values": values}

    def _get_size(self, bracket_num, round_num):
        return max(1, math.floor(super()._get_size(bracket_num, round_num) * self.width))

    def get_state(self):
        return super().get_state() | {"width": self.width}

    def set_state(self, state):
        # The limits of the search, and with them the number of iterations, may have changed.
        super().set_state(state | {"hyperband_iterations": self.hyperband_iterations})
        self.width = state["width"]
