"""A choice among values."""

import json
from dataclasses import dataclass
from typing import Any

from keras_tuner.engine import hyperparameters

from keras_seq2seq.tuning.dimension import Dimension


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
