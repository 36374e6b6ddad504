"""The search space: options and the values they may take."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from keras_tuner import HyperParameters

# KerasTuner does not export its conditions.
from keras_tuner.src.engine.conditions import Parent

from keras_seq2seq.config import Config
from keras_seq2seq.config.section import OptionSource, set_option, validate_sources
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.dimension import Dimension

_MAX_COMBINATIONS = 1000


class SearchSpace:
    """The options of a search and the values that each may take.

    Use `load_space` to read a search space from a file.

    Args:
        dimensions: List of `Dimension`. An option with conditions comes after the options it
            depends on.
        source: String, the name of the space in error messages, such as the path of its file.

    Example:
        >>> space = load_space("space.yaml")
        >>> space.config_for(config, {"batch_size": 64, "rnn_cell.num_units": 256})
    """

    def __init__(self, dimensions: Sequence[Dimension], source: str = "the search space"):
        self.dimensions = tuple(dimensions)
        self.source = source

    def __getitem__(self, name: str) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Returns whether all values are those of options of this space."""
        dimensions = {dimension.name: dimension for dimension in self.dimensions}
        return all(
            name in dimensions and dimensions[name].contains(value)
            for name, value in values.items()
        )

    def to_keras_tuner(self) -> HyperParameters:
        """Returns the space as KerasTuner's `HyperParameters`."""
        space = HyperParameters()
        for dimension in self.dimensions:
            conditions = [
                Parent(name, [self[name].encode(value) for value in values])
                for name, values in dimension.conditions.items()
            ]
            space.merge([dimension.to_keras_tuner(conditions)])
        return space

    def decode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Converts KerasTuner's values of a trial to option values.

        Args:
            values: `HyperParameters.values`. Names that are not in the space are ignored.

        Returns:
            A dictionary from option names to values, without inactive options.
        """
        decoded = {}
        for dimension in self.dimensions:
            if dimension.name in values and dimension.is_active(decoded):
                decoded[dimension.name] = dimension.decode(values[dimension.name])
        return decoded

    def config_for(self, config: Config, values: Mapping[str, Any]) -> Config:
        """Returns a copy of a configuration with the given option values.

        Args:
            config: The base configuration.
            values: Dictionary from option names to values.

        Raises:
            UserError: If the options are incompatible.
        """
        try:
            return validate_sources(
                Config,
                [
                    OptionSource("the configuration", config.model_dump(exclude_unset=True)),
                    *self._sources(values),
                ],
            )
        except UserError as error:
            shown = ", ".join(f"{name}={value}" for name, value in values.items())
            raise UserError(f"{error} (in the combination {shown})") from error

    def check(self, config: Config):
        """Checks that the options are compatible with each other and with a configuration.

        Checks all combinations of values, or 1,000 random ones if there are more. Of a range,
        only the two ends are checked.

        Args:
            config: The base configuration.

        Raises:
            UserError: If a combination is invalid.
        """
        for values in self.combinations():
            self.config_for(config, values)

    def describe(self) -> dict[str, dict]:
        """Returns the space in the format of `parse_space`."""
        described = {}
        for dimension in self.dimensions:
            when = {name: list(values) for name, values in dimension.conditions.items()}
            described[dimension.name] = dimension.describe() | ({"when": when} if when else {})
        return described

    def combinations(self) -> Iterator[dict]:
        """Yields all combinations of values, or 1,000 random ones if there are more.

        Of a range, only the two ends are used.
        """
        examples = [dimension.examples for dimension in self.dimensions]
        if prod(map(len, examples)) <= _MAX_COMBINATIONS:
            combinations = product(*examples)
        else:
            rng = random.Random(1)
            combinations = (tuple(map(rng.choice, examples)) for _ in range(_MAX_COMBINATIONS))
        for combination in combinations:
            values = {}
            for dimension, value in zip(self.dimensions, combination, strict=True):
                if dimension.is_active(values):
                    values[dimension.name] = value
            yield values

    def _sources(self, values: Mapping[str, Any]) -> Iterator[OptionSource]:
        """Yields one source per option, as if it came from the file."""
        for name, value in values.items():
            yield option_source(self.source, name, value)


def option_source(source: str, name: str, value: Any) -> OptionSource:
    """Returns one option, a flag or a hyperparameter, as a source of options.

    Args:
        source: The name of the option's origin in error messages.
        name: The dotted name of the option.
        value: The value.
    """
    is_flag = name in Config.model_fields
    options: dict = {}
    set_option(options, name if is_flag else f"hparams.{name}", value)
    return OptionSource(source, options, section=() if is_flag else ("hparams",))
