"""Lines that are right from end to end."""

from keras_seq2seq.metrics.line_metric import LineMetric


class ExactMatch(LineMetric):
    """The share of lines that equal their reference, but for runs of blanks.

    Args:
        lowercase: Whether to compare text in lower case.
    """

    def __init__(self, lowercase: bool = False):
        super().__init__("exact_match", "line", lowercase)

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        return int(hypothesis == reference), 1
