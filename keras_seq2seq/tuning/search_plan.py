"""Checking everything about a search before its first trial."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras_seq2seq.config import Config, load_config_file
from keras_seq2seq.config.config_file import write_yaml
from keras_seq2seq.config.validate import Layer, near_misses, validate_layers
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.training import plan_training
from keras_seq2seq.training.plan import RESUME_CHOICES
from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.oracles import TUNERS
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.space_file import parse_space

_DEFAULT_EPOCHS = 10
# What may differ from the start before; `max_trials` of Hyperband decides its brackets.
_MAY_CHANGE = {"budget_minutes", "keep_trials", "max_trials"}


@dataclass(frozen=True)
class SearchPlan:
    """A search that has passed all checks.

    Attributes:
        config: The configuration of all trials, but for the searched options.
        space: The searched options.
        objective: What is to become as good as possible.
        directory: Where everything goes.
        tuner: One of `TUNERS`.
        max_trials: The most trials, `None` for no limit.
        max_epochs: The epochs of the longest trial, `None` if steps are counted.
        budget_minutes: The time of all starts together, `None` for no limit.
        keep_trials: The number of best trials whose weights are kept.
        resume: Whether to go on with what is in the directory: "auto" if there is a search,
            "never", or "must".
    """

    config: Config
    space: SearchSpace
    objective: Objective
    directory: SearchDirectory
    tuner: str = "hyperband"
    max_trials: int | None = None
    max_epochs: int | None = None
    budget_minutes: float | None = None
    keep_trials: int = 3
    resume: str = "auto"

    @property
    def units(self) -> int:
        """What the longest trial trains: its epochs, or its evaluations where steps are counted.

        It is in these that Hyperband counts its rungs.
        """
        if self.max_epochs is not None:
            return self.max_epochs
        return math.ceil(self.config.train_steps / self.config.eval_every_n_steps)

    def trial_config(self, values: Mapping[str, Any], units: int | None = None) -> Config:
        """Returns the configuration of a trial.

        Args:
            values: The searched options.
            units: What it trains, `None` for the most.

        Raises:
            UserError: If the options do not go together.
        """
        config = self.space.config_for(self.config, values)
        units = self.units if units is None else units
        if self.max_epochs is not None:
            return config.model_copy(update={"train_epochs": units})
        steps = min(units * config.eval_every_n_steps, config.train_steps)
        return config.model_copy(update={"train_steps": steps})

    def save(self):
        """Writes `search.yaml`.

        Raises:
            UserError: If the directory cannot be written.
        """
        try:
            self.directory.trials_path.mkdir(parents=True, exist_ok=True)
            with atomic_file(self.directory.search_path) as file:
                file.write(write_yaml(self._describe()))
        except OSError as error:
            raise UserError(
                f"{self.directory.path}: cannot be written ({error.strerror})"
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike) -> "SearchPlan":
        """Reads the search of a directory.

        Raises:
            UserError: If there is none.
        """
        directory = SearchDirectory(path)
        if not directory.search_path.exists():
            raise UserError(f"{path}: holds no search (there is no {directory.search_path.name})")
        source = os.fspath(directory.search_path)
        options = load_config_file(source)
        try:
            config, space = options.pop("config"), options.pop("space")
            objective = options.pop("objective")
            return cls(
                config=validate_layers(Config, [Layer(source, config)]),
                space=parse_space(space, source),
                objective=Objective.parse(objective, source),
                directory=directory,
                **options,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{source}: damaged file ({error})") from error

    def check_directory(self):
        """Checks that the search can begin in its directory, or go on there.

        Raises:
            UserError: If not.
        """
        if self.resume not in RESUME_CHOICES:
            raise UserError(f"--resume: expected auto, never or must, got {self.resume}")
        path = self.directory.path
        if path.exists() and not path.is_dir():
            raise UserError(f"{path}: is a file; expected a directory for the search")
        if not self.directory.search_path.exists():
            if self.resume == "must":
                raise UserError(
                    f"{path}: holds no search to go on with; correct --output_dir, or leave out "
                    "--resume must"
                )
        elif self.resume != "never":
            self._check_is_same()

    def _check_is_same(self):
        there = SearchPlan.load(self.directory.path)._describe()
        here = self._describe()
        may_change = _MAY_CHANGE - ({"max_trials"} if self.tuner == "hyperband" else set())
        differing = [
            name
            for name in {**there, **here}
            if name not in may_change and there.get(name) != here.get(name)
        ]
        if differing:
            raise UserError(
                f"{self.directory.path}: holds another search (its {differing[0]} differs, see "
                f"{self.directory.search_path}); choose another --output_dir, or begin anew with "
                "--resume never"
            )

    def _describe(self) -> dict:
        options = {
            "tuner": self.tuner,
            "objective": self.objective.name,
            "max_trials": self.max_trials,
            "max_epochs": self.max_epochs,
            "budget_minutes": self.budget_minutes,
            "keep_trials": self.keep_trials,
            "space": self.space.describe(),
            # Only what is given: of the rest, some may be without effect beside a searched option.
            "config": self.config.model_dump(exclude_unset=True, exclude_none=True, mode="json"),
        }
        return {name: value for name, value in options.items() if value is not None}


def prepare_search(
    config: Config,
    space: SearchSpace,
    output_dir: str | os.PathLike,
    *,
    tuner: str = "hyperband",
    objective: str | None = None,
    max_trials: int | None = None,
    max_epochs: int | None = None,
    budget_minutes: float | None = None,
    keep_trials: int = 3,
    resume: str = "auto",
) -> SearchPlan:
    """Checks a search. Writes nothing.

    Args:
        config: The configuration of all trials. Its `train_steps` are those of the longest trial,
            unless `max_epochs` is given.
        space: The searched options.
        output_dir: The directory of the search, new or of the same search.
        tuner: `"hyperband"`, `"bayesian"`, `"random"` or `"grid"`.
        objective: A figure of the evaluations such as `"dev_bleu"`. Defaults to that of
            `config.best_metric`.
        max_trials: The most trials.
        max_epochs: The epochs of the longest trial. Defaults to `config.train_epochs`, or 10.
        budget_minutes: The most minutes, of all starts of the search together.
        keep_trials: The number of best trials whose weights are kept.
        resume: "auto" goes on with the search in the directory if there is one; "never" begins
            anew, and `run_search` removes what is there; "must" goes on or fails.

    Returns:
        The plan, for `run_search`.

    Raises:
        UserError: If anything would keep a trial from working.
    """
    if tuner not in TUNERS:
        near = near_misses(tuner, TUNERS)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(TUNERS)}"
        raise UserError(f'--tuner: unknown tuner "{tuner}"; {hint}')
    if tuner in ("random", "bayesian") and max_trials is None and budget_minutes is None:
        raise UserError(f"--tuner {tuner} never ends; give it --max_trials or --budget_minutes")
    if max_epochs is not None and config.train_steps is not None:
        raise UserError("--max_epochs cannot stand beside train_steps; leave out one of them")
    if max_epochs is None and config.train_steps is None:
        max_epochs = config.train_epochs or _DEFAULT_EPOCHS
    goal = Objective.parse(objective or f"dev_{config.best_metric}")
    config = config.model_copy(
        update={
            "best_metric": goal.best_metric,
            # Of a trial, the newest is all that going on needs.
            "keep_checkpoint_max": 1,
            "keep_checkpoint_every_n_hours": 0.0,
        }
    )
    plan = SearchPlan(
        config=config,
        space=space,
        objective=goal,
        directory=SearchDirectory(output_dir),
        tuner=tuner,
        max_trials=max_trials,
        max_epochs=max_epochs,
        budget_minutes=budget_minutes,
        keep_trials=keep_trials,
        resume=resume,
    )
    plan.check_directory()
    space.check(config)
    first = next(space.combinations())
    # Reads all files and builds a model, and refuses what `train` would refuse.
    plan_training(plan.trial_config(first), plan.directory.trials_path)
    return plan
