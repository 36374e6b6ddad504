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
    """One option with the values that it may take.

    Attributes:
        name: Its dotted name, such as `"optimizer.learning_rate"`, or that of a flag.
        conditions: Dotted names of other options of the space with the values at which this one
            is searched; elsewhere it keeps the value of the base configuration.
    """

    name: str
    conditions: Mapping[str, tuple]

    def is_active(self, values: Mapping[str, Any]) -> bool:
        """Returns whether it is searched beside these values of the options before it."""
        return all(
            name in values and values[name] in allowed for name, allowed in self.conditions.items()
        )

    @property
    @abstractmethod
    def examples(self) -> tuple:
        """Values that stand for all: if these are valid, all are."""

    @property
    @abstractmethod
    def marks(self) -> tuple:
        """Values to write beside an axis of the option."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Returns whether a value is one that the option may take."""

    @abstractmethod
    def to_keras_tuner(self, conditions: list) -> HyperParameter:
        """Returns the option as KerasTuner has it, under the conditions as it has them."""

    @abstractmethod
    def encode(self, value: Any) -> int | float | str:
        """Returns what KerasTuner has for a value."""

    @abstractmethod
    def decode(self, value: int | float | str) -> Any:
        """Returns the value that KerasTuner means."""

    @abstractmethod
    def position(self, value: Any) -> float:
        """Returns where a value stands among all, from 0 to 1."""

    @abstractmethod
    def describe(self) -> dict:
        """Returns what a file of a search space says of the values."""


@dataclass(frozen=True)
class Choice(Dimension):
    """An option that takes one of some values: `{choice: [128, 256, 512]}`.

    Numbers and texts are what they are to KerasTuner too. For all else (switches, lists, nothing,
    a mixture) it gets JSON text: it makes numbers of switches, and has nothing for the others.

    Attributes:
        values: The values.
    """

    values: tuple

    @property
    def examples(self) -> tuple:
        return self.values

    @property
    def marks(self) -> tuple:
        return self.values

    def contains(self, value: Any) -> bool:
        return any(_same(value, mine) for mine in self.values)

    def to_keras_tuner(self, conditions: list) -> hyperparameters.HyperParameter:
        values = [self.encode(value) for value in self.values]
        return hyperparameters.Choice(self.name, values, conditions=conditions)

    def encode(self, value: Any) -> int | str:
        return value if self._is_plain else json.dumps(value)

    def decode(self, value: int | float | str) -> Any:
        if self._is_plain:
            return value
        return next(mine for mine in self.values if _same(mine, json.loads(value)))

    def position(self, value: Any) -> float:
        ordered = sorted(self.values) if self._is_ordered else self.values
        places = [place for place, mine in enumerate(ordered) if _same(value, mine)]
        return places[0] / max(len(self.values) - 1, 1)

    def describe(self) -> dict:
        return {"choice": list(self.values)}

    @property
    def _is_ordered(self) -> bool:
        return all(type(value) in (int, float) for value in self.values)

    @property
    def _is_plain(self) -> bool:
        return {type(value) for value in self.values} in ({int}, {float}, {str})


def _same(one: Any, other: Any) -> bool:
    # True is 1 to Python.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


_DIGITS = 4


@dataclass(frozen=True)
class Range(Dimension):
    """An option that takes any number between two: `{range: [1, 4]}`, `{log: [1e-4, 1e-2]}`.

    Fractions have four digits: whoever reads 0.001274 in a report can type it.

    Attributes:
        low: The smallest value.
        high: The largest value.
        is_log: Whether each factor, rather than each difference, is as likely as another.
        step: The difference of neighbouring values, or their factor; `None` for any.
        is_whole: Whether the option takes whole numbers only.
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
