"""How alike translations and references are, line by line summed up over a corpus.

Every metric is one of sacrebleu's, or made in their likeness: `corpus_score(hypotheses,
[references])` gives its score, `get_signature()` tells how it was computed, and sacrebleu's
paired test takes it. All scores are percentages.

The libraries are imported when a metric is made.
"""

from keras_seq2seq.metrics.registry import (
    LOWER_IS_BETTER,
    METRIC_NAMES,
    TOKENIZERS,
    make_metrics,
    parse_metric_names,
)

__all__ = [
    "LOWER_IS_BETTER",
    "METRIC_NAMES",
    "TOKENIZERS",
    "make_metrics",
    "parse_metric_names",
]
