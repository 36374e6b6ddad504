"""What a search makes as good as it can."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import keras_tuner

from keras_seq2seq.config import Config
from keras_seq2seq.config.validate import near_misses
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import LOWER_IS_BETTER

_METRICS = get_args(Config.model_fields["best_metric"].annotation)
# A model that is best by one is best by the other.
_BEST_METRICS = {"dev_perplexity": "loss"} | {f"dev_{name}": name for name in _METRICS}


@dataclass(frozen=True)
class Objective:
    """A figure of the evaluations during training.

    Attributes:
        name: Its name in the records of an evaluation, such as `"dev_bleu"`.
        best_metric: The `best_metric` of a configuration that keeps the model with the best one.
        lower_is_better: Whether it is to be small.
    """

    name: str
    best_metric: str
    lower_is_better: bool

    @classmethod
    def parse(cls, name: str, source: str = "--objective") -> "Objective":
        """Returns the objective of a name; the metric says which direction is better.

        Raises:
            UserError: If there is no such objective.

        Example:
            >>> Objective.parse("dev_ter").lower_is_better
            True
        """
        if name not in _BEST_METRICS:
            near = near_misses(name, _BEST_METRICS) or near_misses(f"dev_{name}", _BEST_METRICS)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(_BEST_METRICS)}"
            raise UserError(f'{source}: unknown objective "{name}"; {hint}')
        metric = name.removeprefix("dev_")
        return cls(name, _BEST_METRICS[name], metric in ("loss", *LOWER_IS_BETTER))

    def to_keras_tuner(self) -> keras_tuner.Objective:
        """Returns the objective as KerasTuner has it."""
        return keras_tuner.Objective(self.name, "min" if self.lower_is_better else "max")

    def best(self, records: Sequence[dict]) -> float | None:
        """Returns the best value among evaluations, `None` if there are none."""
        values = [record[self.name] for record in records]
        return min(values, key=self.sort_key, default=None)

    def sort_key(self, value: float) -> float:
        """Returns a number that is the smaller, the better the value."""
        return value if self.lower_is_better else -value
