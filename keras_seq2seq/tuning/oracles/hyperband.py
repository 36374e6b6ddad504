"""Successive halving within a number of trials."""

import math

from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import HyperbandOracle as KerasTunerHyperband

from keras_seq2seq.errors import UserError


class HyperbandOracle(KerasTunerHyperband):
    """Hyperband whose brackets are as wide as a number of trials allows.

    KerasTuner's own has no limit but the number of whole iterations, and where trials fail or the
    space is exhausted it does not promote those that are left. A trial that goes on with a better
    one of the rung below counts as a trial.

    Args:
        max_trials: Integer, `None` for one whole iteration, or until the time is over.
        until_stopped: Boolean, whether one iteration follows the other without end.
        **options: Those of KerasTuner's oracle.

    Raises:
        UserError: If there are more rungs than trials.

    Reference:
        - [Li et al., 2018](https://jmlr.org/papers/v18/16-558.html)
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
                    f"--max_trials: hyperband needs at least {self.trials_in_iteration} trials for "
                    f"{self.max_epochs} rung units, got {max_trials}; allow more, or train for "
                    "fewer epochs"
                )
            self.width *= 0.99

    @property
    def rungs(self) -> list[tuple[int, int]]:
        """The number of trials of each rung of an iteration, with the units that each trains."""
        rungs = []
        for bracket in range(self._get_num_brackets()):
            for number in range(self._get_num_rounds(bracket)):
                units = self._get_epochs(bracket, number)
                before = self._get_epochs(bracket, number - 1) if number else 0
                rungs.append((self._get_size(bracket, number), units - before))
        return rungs

    @property
    def trials_in_iteration(self) -> int:
        """The number of trials of an iteration."""
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
                    return self._continue(trial_id, best, bracket, number)
        is_last = self._current_iteration + 1 == self.hyperband_iterations
        exhausted = any(bracket.get("exhausted") for bracket in self._brackets)
        if (self._current_bracket == 0 and is_last) or exhausted:
            status = TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED
            return {"status": status, "values": None}
        self._increment_bracket_num()
        self._start_new_bracket()
        return self.populate_space(trial_id)

    def promotable_trials(self) -> set[str]:
        """Returns the trials that may yet go on in a higher rung."""
        trials = set()
        for bracket in self._brackets:
            for number in range(1, len(bracket["rounds"])):
                completed, promoted = self._completed(bracket, number)
                size = self._get_size(bracket["bracket_num"], number)
                trials.update(trial.trial_id for trial in completed[:size])
                trials -= promoted
        return trials

    def _promotable(self, bracket: dict, number: int):
        """Returns the best trial of the rung below, if it is sure to be one of those to go on."""
        completed, promoted = self._completed(bracket, number)
        candidates = [trial for trial in completed if trial.trial_id not in promoted]
        below = bracket["rounds"][number - 1]
        failed = sum(self.trials[info["id"]].status == TrialStatus.FAILED for info in below)
        # Those of the rung below that may turn out to be better.
        still_open = self._expected(bracket, number - 1) - failed - len(completed)
        size = self._get_size(bracket["bracket_num"], number)
        if candidates and len(promoted) + still_open < size:
            return candidates[0]
        return None

    def _completed(self, bracket: dict, number: int):
        """Returns the completed trials below a rung, best first, and the ids of the promoted."""
        trials = [self.trials[info["id"]] for info in bracket["rounds"][number - 1]]
        completed = [trial for trial in trials if trial.status == TrialStatus.COMPLETED]
        sign = -1 if self.objective.direction == "max" else 1
        completed.sort(key=lambda trial: sign * trial.score)
        return completed, {info["past_id"] for info in bracket["rounds"][number]}

    def _expected(self, bracket: dict, number: int) -> int:
        """Returns how many trials a rung will have had."""
        started = len(bracket["rounds"][number])
        size = self._get_size(bracket["bracket_num"], number)
        if number == 0:
            return started if bracket.get("exhausted") else size
        below = bracket["rounds"][number - 1]
        failed = sum(self.trials[info["id"]].status == TrialStatus.FAILED for info in below)
        return min(size, self._expected(bracket, number - 1) - failed)

    def _continue(self, trial_id, trial, bracket, number):
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
        super().set_state(state)
        self.width = state["width"]
