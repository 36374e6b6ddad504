"""Measuring translations against references.

`evaluate_models` is imported when it is first used, since it is the only one that needs
tensorflow.
"""

from keras_seq2seq.evaluation.dev_scores import translate_and_score
from keras_seq2seq.evaluation.metric_score import MetricScore
from keras_seq2seq.evaluation.systems import evaluate, evaluate_systems

__all__ = [
    "MetricScore",
    "evaluate",
    "evaluate_models",
    "evaluate_systems",
    "translate_and_score",
]


def __getattr__(name: str):
    if name == "evaluate_models":
        from keras_seq2seq.evaluation.models import evaluate_models

        return evaluate_models
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
