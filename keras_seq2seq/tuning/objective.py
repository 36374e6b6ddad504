"""The objective of a search."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras_tuner

from keras_seq2seq.config.section import near_misses
from keras_seq2seq.config.training_flags import BEST_METRICS
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import LOWER_IS_BETTER

# Objectives with the metric that selects the same best model; perplexity is a function of the loss.
_BEST_METRICS = {"dev_perplexity": "loss"} | {f"dev_{name}": name for name in BEST_METRICS}


@dataclass(frozen=True)
class Objective:
    """The dev metric that a search optimizes.

    Attributes:
        name: The name of the metric in evaluation records, such as `"dev_bleu"`.
        best_metric: The `best_metric` of the configuration that keeps the best model.
        lower_is_better: Whether the metric is minimized.
    """

    name: str
    best_metric: str
    lower_is_better: bool

    @classmethod
    def parse(cls, name: str, source: str = "--objective") -> "Objective":
        """Returns the objective with a given name.

        Args:
            name: The name of the metric, such as `"dev_bleu"`.
            source: The origin of the name, for the error message.

        Raises:
            UserError: If the name is unknown.

        Example:
            >>> Objective.parse("dev_ter").lower_is_better
            True
        """
        if name not in _BEST_METRICS:
            near = near_misses(name, _BEST_METRICS) or near_misses(f"dev_{name}", _BEST_METRICS)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(_BEST_METRICS)}"
            raise UserError(f'{source}: unknown objective "{name}"; {hint}')
        metric = name.removeprefix("dev_")
        return cls(name, _BEST_METRICS[name], metric in LOWER_IS_BETTER)

    def to_keras_tuner(self) -> keras_tuner.Objective:
        """Returns the objective as a KerasTuner `Objective`."""
        return keras_tuner.Objective(self.name, "min" if self.lower_is_better else "max")

    def best(self, records: Sequence[dict]) -> float | None:
        """Returns the best value among evaluation records, `None` if there are none."""
        values = [record[self.name] for record in records]
        return min(values, key=self.sort_key, default=None)

    def sort_key(self, value: float) -> float:
        """Returns a key that sorts values from best to worst."""
        return value if self.lower_is_better else -value
