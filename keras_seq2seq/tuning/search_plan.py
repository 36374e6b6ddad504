"""Planning a search: all checks before the first trial."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from keras_tuner.engine.oracle import Oracle

from keras_seq2seq.config import Config, input_files, load_config_file
from keras_seq2seq.config.config_file import save_config_file, write_yaml
from keras_seq2seq.config.section import OptionSource, near_misses, show, validate_sources
from keras_seq2seq.config.training_flags import DEFAULT_EPOCHS, has_dev
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.directories import check_not_deleted
from keras_seq2seq.files.reading import exists
from keras_seq2seq.files.writing import atomic_directory, make_directory
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.training import plan_training
from keras_seq2seq.training.plan import RESUME_CHOICES, TrainingPlan, check_schedule
from keras_seq2seq.training.records import check_fingerprints
from keras_seq2seq.training.text import RunText, sides_without_vocabulary
from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.oracles import TUNERS, Budget, make_oracle
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.search_space import SearchSpace
from keras_seq2seq.tuning.space_file import parse_space
from keras_seq2seq.tuning.trial_record import TrialRecord

# Options that may change on resume, except for Hyperband's `max_trials`, which determines brackets.
_MAY_CHANGE = {"budget_minutes", "keep_trials", "max_trials"}


@dataclass(frozen=True)
class SearchPlan:
    """A search that has passed all checks.

    Attributes:
        config: The configuration of all trials, except for the searched options.
        space: The search space.
        objective: The objective.
        directory: The directory of the search.
        tuner: The name of the tuner, one of `TUNERS`.
        max_trials: The maximum number of trials, `None` for no limit.
        max_epochs: The number of epochs of the longest trial, `None` if the length of training is
            given in steps.
        budget_minutes: The time limit in minutes, over all starts; `None` for no limit.
        keep_trials: The number of best trials whose weights are kept.
        resume: `"auto"` to resume the search in the directory if there is one, `"never"` to start
            over, `"must"` to fail if there is none.
        text: The text of the first trial, whose tokenizers and dev data are those of all trials;
            `None` if the search was loaded.
        data: The fingerprints of text and vocabularies, see `TrainingPlan`; `None` if they are not
            known.
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
    text: RunText | None = None
    data: Mapping[str, str] | None = None

    @property
    def units(self) -> int:
        """The length of the longest trial in training units, which are the units of Hyperband.

        A unit is an epoch, or the steps between two evaluations if `max_epochs` is `None`.
        """
        if self.max_epochs is not None:
            return self.max_epochs
        return math.ceil(self.config.train_steps / self.config.eval_every_n_steps)

    def trial_config(self, values: Mapping[str, Any], units: int | None = None) -> Config:
        """Returns the configuration of a trial.

        Args:
            values: Dictionary from option names to values.
            units: The number of training units, `None` for the maximum.

        Raises:
            UserError: If the options are incompatible.
        """
        config = self.space.config_for(self.config, values)
        units = self.units if units is None else units
        if self.max_epochs is not None:
            return config.model_copy(update={"train_epochs": units})
        steps = min(units * config.eval_every_n_steps, config.train_steps)
        return config.model_copy(update={"train_steps": steps})

    def make_oracle(self, budget: Budget, on_end: Callable[[], object] = lambda: None) -> Oracle:
        """Creates an oracle that has not started any trial.

        Args:
            budget: The time budget.
            on_end: Function to call after the end of each trial.
        """
        return make_oracle(
            self.tuner,
            self.objective.to_keras_tuner(),
            self.space.to_keras_tuner(),
            budget,
            max_trials=self.max_trials,
            units=self.units,
            seed=self.config.seed,
            on_end=on_end,
        )

    def check_shortest_trials(self, longest: TrainingPlan, values: Mapping[str, Any]):
        """Checks that Hyperband's shortest trials are not too short for the configuration.

        Args:
            longest: The plan of a trial of maximum length.
            values: The values of its searched options.

        Raises:
            UserError: If they are.
        """
        if self.tuner != "hyperband":
            return
        units = self.make_oracle(Budget(None)).shortest
        steps = self.trial_config(values, units).train_steps
        if steps is None:
            steps = longest.steps * units // self.units
        try:
            check_schedule(longest.config, steps)
        except UserError as error:
            raise UserError(f"hyperband's shortest trials have {steps:,} steps: {error}") from None

    def records(self) -> list[TrialRecord]:
        """Returns the records of all trials, in the order of their numbers.

        Records with values that are not in the search space count as damaged and are left out.
        """
        records = self.directory.records()
        return [record for record in records if self.space.contains(record.values)]

    def save(self):
        """Writes `search.yaml`, and tokenizers and dev data that were not given.

        Raises:
            UserError: If the directory cannot be written.
        """
        try:
            make_directory(self.directory.path)
            # First, since it shows that the other files are those of a search.
            save_config_file(self.directory.search_path, write_yaml(self._describe()))
            self._save_text()
            self.directory.trials_path.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{self.directory.path}: cannot be written ({error.strerror})"
            ) from error

    def _save_text(self):
        is_given = not sides_without_vocabulary(self.config) and has_dev(self.config)
        if self.text is None or is_given or self.directory.text_path.exists():
            return
        with atomic_directory(self.directory.text_path) as path:
            ModelDirectory(path).create(
                self.text.config,
                self.text.source.tokenizer,
                self.text.target.tokenizer,
                self.text.drawn_dev,
            )

    @classmethod
    def load(cls, path: str | os.PathLike) -> "SearchPlan":
        """Reads `search.yaml` of a directory.

        Args:
            path: The directory of the search.

        Raises:
            UserError: If the directory contains no search, or the file is damaged.
        """
        directory = SearchDirectory(path)
        if not exists(directory.search_path):
            raise UserError(f"{path}: contains no search ({directory.search_path.name} is missing)")
        source = os.fspath(directory.search_path)
        options = load_config_file(source)
        try:
            config, space = dict(options.pop("config")), options.pop("space")
            objective = options.pop("objective")
            _check_options(options)
            return cls(
                config=validate_sources(Config, [OptionSource(source, config)]),
                space=parse_space(space, source),
                objective=Objective.parse(objective, source),
                directory=directory,
                **options,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{source}: damaged file ({error}); restore it") from error

    def check_directory(self):
        """Checks that the search can be started or resumed in its directory.

        Raises:
            UserError: If it cannot.
        """
        if self.resume not in RESUME_CHOICES:
            raise UserError(f"--resume: expected auto, never or must, got {self.resume}")
        path = self.directory.path
        if exists(path) and not path.is_dir():
            raise UserError(f"{path}: is a file; expected a directory")
        if not exists(self.directory.search_path):
            if self.resume == "must":
                raise UserError(
                    f"{path}: contains no search to resume; correct --output_dir, or leave out "
                    "--resume must"
                )
            self.directory.check_is_free()
        elif self.resume == "never":
            check_not_deleted(input_files(self.config), self.directory.outputs)
            self.directory.check_can_start_over()
        else:
            self._check_is_same()

    def _check_is_same(self):
        try:
            saved = SearchPlan.load(self.directory.path)._describe()
        except UserError:
            # It may not be a damaged file of a search, but one that a person wrote.
            self.directory.check_can_start_over()
            raise
        new = self._describe()
        may_change = _MAY_CHANGE - ({"max_trials"} if self.tuner == "hyperband" else set())
        for description in (saved, new):
            # They have no effect on trials. Earlier versions wrote their own values.
            for name in ("keep_checkpoint_max", "keep_checkpoint_every_n_hours"):
                description["config"].pop(name, None)
        differing = [
            name
            for name in {**saved, **new}
            if name not in may_change | {"data"} and saved.get(name) != new.get(name)
        ]
        if differing:
            raise UserError(
                f"{self.directory.path}: contains a different search ({differing[0]} differs, see "
                f"{self.directory.search_path}); choose another --output_dir, or start over with "
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
            "data": None if self.data is None else dict(self.data),
            "space": self.space.describe(),
            # Unset options are left out, as some may have no effect with a searched option.
            "config": self.config.model_dump(exclude_unset=True, exclude_none=True, mode="json"),
        }
        return {name: value for name, value in options.items() if value is not None}


def _check_options(options: Mapping[str, Any]):
    """Checks the other options of `search.yaml`.

    Raises:
        ValueError: If one is unknown or has a wrong value.
    """
    for name, value in options.items():
        if name == "tuner":
            is_valid = value in TUNERS
        elif name == "budget_minutes":
            is_valid = type(value) in (int, float) and value > 0
        elif name == "data":
            is_valid = isinstance(value, dict) and all(
                isinstance(text, str) for text in value.values()
            )
        else:
            is_count = name in ("max_trials", "max_epochs", "keep_trials")
            is_valid = is_count and type(value) is int and value > 0
        if not is_valid:
            raise ValueError(f"{name}: {show(value)}")


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
    """Plans a search and checks it, without writing anything.

    Args:
        config: The configuration of all trials. Its `train_steps`, or `max_epochs`, is the length
            of the longest trial.
        space: The search space.
        output_dir: The directory of the search: a new one, or that of the same search to resume.
        tuner: `"hyperband"`, `"bayesian"`, `"random"` or `"grid"`.
        objective: The dev metric to optimize, such as `"dev_bleu"`. Defaults to
            `config.best_metric`.
        max_trials: The maximum number of trials.
        max_epochs: The number of epochs of the longest trial. Defaults to `config.train_epochs`,
            or to the number of epochs that `train` takes by default.
        budget_minutes: The time limit in minutes, over all starts of the search.
        keep_trials: The number of best trials whose weights are kept.
        resume: `"auto"` to resume the search in the directory if there is one; `"never"` to start
            over, in which case `run_search` removes the existing search; `"must"` to fail if
            there is none.

    Returns:
        The plan, for `run_search`.

    Raises:
        UserError: If an argument, a file or a combination of options is invalid.

    Example:
        >>> plan = prepare_search(config, load_space("space.yaml"), "search", max_trials=30)
        >>> result = run_search(plan)
    """
    if tuner not in TUNERS:
        near = near_misses(tuner, TUNERS)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(TUNERS)}"
        raise UserError(f'--tuner: unknown tuner "{tuner}"; {hint}')
    if tuner in ("random", "bayesian") and max_trials is None and budget_minutes is None:
        raise UserError(f"--tuner {tuner} needs a limit; set --max_trials or --budget_minutes")
    if max_epochs is not None and config.train_steps is not None:
        raise UserError("--max_epochs cannot be combined with train_steps; leave out one of them")
    if tuner == "hyperband" and None not in (config.train_steps, config.train_epochs):
        raise UserError(
            "--tuner hyperband needs one length of the longest trial, but both train_steps and "
            "train_epochs are set; leave out one of them"
        )
    if max_epochs is None and config.train_steps is None:
        max_epochs = config.train_epochs or DEFAULT_EPOCHS
    name = f"dev_{config.best_metric}" if objective is None else objective
    parsed_objective = Objective.parse(name)
    config = config.model_copy(update={"best_metric": parsed_objective.best_metric})
    plan = SearchPlan(
        config=config,
        space=space,
        objective=parsed_objective,
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
    # Runs all checks of `train`, which reads the data and builds a model.
    text_from = None if resume == "never" else plan.directory.text_directory()
    trial = plan_training(plan.trial_config(first), plan.directory.trials_path, text_from=text_from)
    plan.check_shortest_trials(trial, first)
    # Not the plan itself, whose model would stay in memory.
    text = RunText(**{field.name: getattr(trial, field.name) for field in fields(RunText)})
    if resume != "never" and plan.directory.search_path.exists():
        before = SearchPlan.load(plan.directory.path).data or {}
        check_fingerprints(before, trial.fingerprints, trial.columns, "search")
    return replace(plan, text=text, data=trial.fingerprints)
