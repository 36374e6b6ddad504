"""A range of numbers."""

import math
from dataclasses import dataclass
from typing import Any

from keras_tuner.engine import hyperparameters

from keras_seq2seq.tuning.dimension import Dimension

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
