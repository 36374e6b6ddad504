"""Metrics over lines of text, and comparisons between systems.

Every metric is one of sacrebleu's or follows its interface: `corpus_score(hypotheses,
[references])` returns the score, `get_signature()` describes how it was computed, and
sacrebleu's paired tests accept it. All scores are percentages. Each line may have several
references.

Metric libraries are imported when a metric is created.
"""

from keras_seq2seq.evaluation.references import combine_references, group_by_source
from keras_seq2seq.evaluation.registry import (
    COMET,
    COMET_MODEL,
    DEFAULT_METRICS,
    LOWER_IS_BETTER,
    METRIC_NAMES,
    PERPLEXITY,
    REGARDLESS_OF_CASE,
    TOKENIZERS,
    make_metrics,
    parse_metric_names,
)
from keras_seq2seq.evaluation.systems import MetricScore, evaluate, evaluate_systems

__all__ = [
    "COMET",
    "COMET_MODEL",
    "DEFAULT_METRICS",
    "LOWER_IS_BETTER",
    "METRIC_NAMES",
    "PERPLEXITY",
    "REGARDLESS_OF_CASE",
    "TOKENIZERS",
    "MetricScore",
    "combine_references",
    "evaluate",
    "evaluate_systems",
    "group_by_source",
    "make_metrics",
    "parse_metric_names",
]
