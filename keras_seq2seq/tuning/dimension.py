"""Dimensions of a search space."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras_tuner.engine import hyperparameters
from keras_tuner.engine.hyperparameters import HyperParameter


@dataclass(frozen=True)
class Dimension(ABC):
    """One option of a search space and the values it may take.

    Attributes:
        name: The dotted name, such as `"optimizer.learning_rate"`, or the name of a flag.
        conditions: Dictionary from the dotted names of other options to the values for which this
            option is active. An inactive option keeps its value from the base configuration.
    """

    name: str
    conditions: Mapping[str, tuple]

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Returns whether the option is active.

        Args:
            values: Dictionary with the values of the preceding options.
        """
        return all(
            name in values and values[name] in allowed for name, allowed in self.conditions.items()
        )

    @property
    @abstractmethod
    def examples(self) -> tuple:
        """Representative values: if these are valid, all values are."""

    @property
    @abstractmethod
    def marks(self) -> tuple:
        """Values to label on an axis of a plot."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Returns whether the option may take a value."""

    @abstractmethod
    def to_keras_tuner(self, conditions: list) -> HyperParameter:
        """Returns the option as a KerasTuner `HyperParameter`.

        Args:
            conditions: The KerasTuner conditions under which the option is active.
        """

    @abstractmethod
    def encode(self, value: Any) -> int | float | str:
        """Converts an option value to its representation in KerasTuner."""

    @abstractmethod
    def decode(self, value: int | float | str) -> Any:
        """Converts KerasTuner's representation back to the option value."""

    @abstractmethod
    def position(self, value: Any) -> float:
        """Returns the position of a value on an axis of a plot, from 0 to 1."""

    @abstractmethod
    def describe(self) -> dict:
        """Returns the values in the format of search space files."""


@dataclass(frozen=True)
class Choice(Dimension):
    """An option with a list of possible values: `{choice: [128, 256, 512]}`.

    Numbers and strings are passed to KerasTuner unchanged. Other values (booleans, lists, `None`,
    mixed types) are encoded as JSON, because KerasTuner converts booleans to numbers and does not
    support the others.

    Attributes:
        values: Tuple of the values.
    """

    values: tuple

    @property
    def examples(self) -> tuple:
        return self.values

    @property
    def marks(self) -> tuple:
        return self.values

    def contains(self, value: Any) -> bool:
        return any(_is_same(value, own) for own in self.values)

    def to_keras_tuner(self, conditions: list) -> hyperparameters.HyperParameter:
        values = [self.encode(value) for value in self.values]
        return hyperparameters.Choice(self.name, values, conditions=conditions)

    def encode(self, value: Any) -> int | str:
        return value if self._is_plain else json.dumps(value)

    def decode(self, value: int | float | str) -> Any:
        if self._is_plain:
            return value
        return next(own for own in self.values if _is_same(own, json.loads(value)))

    def position(self, value: Any) -> float:
        ordered = sorted(self.values) if self._is_ordered else self.values
        index = next(index for index, own in enumerate(ordered) if _is_same(value, own))
        return index / max(len(self.values) - 1, 1)

    def describe(self) -> dict:
        return {"choice": list(self.values)}

    @property
    def _is_ordered(self) -> bool:
        return all(type(value) in (int, float) for value in self.values)

    @property
    def _is_plain(self) -> bool:
        return {type(value) for value in self.values} in ({int}, {float}, {str})


def _is_same(one: Any, other: Any) -> bool:
    # In Python, True == 1.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


_DIGITS = 4


@dataclass(frozen=True)
class Range(Dimension):
    """An option with a range of numbers: `{range: [1, 4]}`, `{log: [1e-4, 1e-2]}`.

    Fractions are rounded to four significant digits, so that a value copied from a report is
    exact.

    Attributes:
        low: The smallest value.
        high: The largest value.
        is_log: Whether values are drawn log-uniformly instead of uniformly.
        step: The difference between neighboring values, or their ratio if `is_log`; `None` for a
            continuous range.
        is_whole: Whether the option only accepts whole numbers.
    """

    low: float
    high: float
    is_log: bool = False
    step: float | None = None
    is_whole: bool = False

    @property
    def examples(self) -> tuple:
        return self.low, self.high

    @property
    def marks(self) -> tuple:
        if self.is_log:
            middle = math.sqrt(self.low * self.high)
        else:
            middle = (self.low + self.high) / 2
        return self.low, self.decode(middle), self.high

    def contains(self, value: Any) -> bool:
        is_number = type(value) is int or (type(value) is float and not self.is_whole)
        return is_number and self.low <= value <= self.high

    def to_keras_tuner(self, conditions: list) -> hyperparameters.HyperParameter:
        kind = hyperparameters.Int if self.is_whole else hyperparameters.Float
        return kind(
            self.name,
            self.low,
            self.high,
            step=self.step,
            sampling="log" if self.is_log else "linear",
            conditions=conditions,
        )

    def encode(self, value: Any) -> int | float:
        return value

    def decode(self, value: int | float | str) -> int | float:
        if self.is_whole:
            return int(value)
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)

    def position(self, value: Any) -> float:
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def describe(self) -> dict:
        step = {} if self.step is None else {"step": self.step}
        return {"log" if self.is_log else "range": [self.low, self.high], **step}
