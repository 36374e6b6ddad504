"""What a metric says of a system."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricScore:
    """The score of a system by one metric.

    Attributes:
        value: The score, a percentage; perplexity is none.
        signature: How it was computed, as sacrebleu writes it; give it along with the score.
        mean: The mean over resampled corpora, `None` for a system evaluated alone.
        confidence: Half the width of the interval around `mean` that holds 95 % of the scores of
            resampled corpora, likewise.
        p_value: The probability of at least such a difference to the first system if the two
            were equally good. `None` for the first system, or one evaluated alone.
    """

    value: float
    signature: str
    mean: float | None = None
    confidence: float | None = None
    p_value: float | None = None
