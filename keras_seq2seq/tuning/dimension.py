"""An option of a search space."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
