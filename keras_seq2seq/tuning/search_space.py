"""The options that a search varies."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from keras_tuner import HyperParameters

# KerasTuner exports no condition.
from keras_tuner.src.engine.conditions import Parent

from keras_seq2seq.config import Config
from keras_seq2seq.config.section import set_option
from keras_seq2seq.config.validate import OptionSource, validate_sources
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.dimension import Dimension

_MOST_CHECKED = 1000


class SearchSpace:
    """Options with the values that each may take.

    `load_space` reads one from a file.

    Args:
        dimensions: The options; one that depends on another stands behind it.
        source: What error messages name, such as the path of the file.

    Example:
        >>> space = load_space("space.yaml")
        >>> space.config_for(config, {"batch_size": 64, "rnn_cell.num_units": 256})
    """

    def __init__(self, dimensions: Sequence[Dimension], source: str = "the search space"):
        self.dimensions = tuple(dimensions)
        self.source = source

    def __getitem__(self, name: str) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def to_keras_tuner(self) -> HyperParameters:
        """Returns the space as KerasTuner has it."""
        space = HyperParameters()
        for dimension in self.dimensions:
            conditions = [
                Parent(name, [self[name].encode(value) for value in values])
                for name, values in dimension.conditions.items()
            ]
            space.merge([dimension.to_keras_tuner(conditions)])
        return space

    def decode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options that KerasTuner's values of a trial mean.

        Args:
            values: `HyperParameters.values`. What is none of this space is left out.
        """
        decoded = {}
        for dimension in self.dimensions:
            if dimension.name in values and dimension.is_active(decoded):
                decoded[dimension.name] = dimension.decode(values[dimension.name])
        return decoded

    def config_for(self, config: Config, values: Mapping[str, Any]) -> Config:
        """Returns a configuration with other values of some options.

        Args:
            config: The configuration that has all others.
            values: Values by the names of the options.

        Raises:
            UserError: If they do not go together.
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
        """Checks that the values of the options go together, and with a configuration.

        All combinations are tried, or a thousand of them where there are more; of a range its
        ends.

        Raises:
            UserError: If some do not.
        """
        for values in self.combinations():
            self.config_for(config, values)

    def describe(self) -> dict[str, dict]:
        """Returns what a file of this space holds, see `parse_space`."""
        described = {}
        for dimension in self.dimensions:
            when = {name: list(values) for name, values in dimension.conditions.items()}
            described[dimension.name] = dimension.describe() | ({"when": when} if when else {})
        return described

    def combinations(self) -> Iterator[dict]:
        """Yields combinations of values, all or a thousand of them; of a range its ends."""
        examples = [dimension.examples for dimension in self.dimensions]
        if prod(map(len, examples)) <= _MOST_CHECKED:
            combinations = product(*examples)
        else:
            chance = random.Random(1)
            combinations = (tuple(map(chance.choice, examples)) for _ in range(_MOST_CHECKED))
        for combination in combinations:
            values = {}
            for dimension, value in zip(self.dimensions, combination, strict=True):
                if dimension.is_active(values):
                    values[dimension.name] = value
            yield values

    def _sources(self, values: Mapping[str, Any]) -> Iterator[OptionSource]:
        """Yields the options as the file has them, hyper-parameters under their own names."""
        for name, value in values.items():
            yield option_source(self.source, name, value)


def option_source(source: str, name: str, value: Any) -> OptionSource:
    """Returns one option, a flag or a hyper-parameter, as a source of options."""
    is_flag = name in Config.model_fields
    options: dict = {}
    set_option(options, name if is_flag else f"hparams.{name}", value)
    return OptionSource(source, options, section=() if is_flag else ("hparams",))
