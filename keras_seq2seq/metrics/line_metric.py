"""What our metrics share."""

from abc import abstractmethod

from sacrebleu.metrics.base import Metric, Score, Signature


class LineSignature(Signature):
    """How a `LineMetric` was computed, written the way sacrebleu does."""

    def __init__(self, args: dict):
        super().__init__(args)
        self.info["case"] = "lc" if args["lowercase"] else "mixed"
        self.info["tok"] = args["unit"]
        self.info["version"] = args["version"]
        self._abbr.update(case="c", tok="tok")


class LineMetric(Metric):
    """A metric that is a quotient of two sums over lines, in percent.

    A subclass counts on one line, in `count`. Runs of blanks in a line are one blank to it. With
    nothing to divide by, the score is 0 if the other sum is 0 too, and 100 if not.

    Args:
        name: The name of the metric.
        unit: What is compared, for the signature.
        lowercase: Whether to compare text in lower case.
        version: The library that counts and its version, for the signature, if there is one.
    """

    _SIGNATURE_TYPE = LineSignature

    def __init__(self, name: str, unit: str, lowercase: bool = False, version: str | None = None):
        super().__init__()
        self.name = name
        self.unit = unit
        self.lowercase = lowercase
        self.version = version

    @abstractmethod
    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        """Returns what one line adds to the dividend and to the divisor."""

    def _preprocess_segment(self, sent: str) -> str:
        return " ".join((sent.lower() if self.lowercase else sent).split())

    def _extract_reference_info(self, refs) -> dict:
        (reference,) = refs
        return {"reference": reference}

    def _compute_segment_statistics(self, hypothesis: str, ref_kwargs: dict) -> list[float]:
        return list(self.count(hypothesis, ref_kwargs["reference"]))

    def _aggregate_and_compute(self, stats) -> Score:
        return self._compute_score_from_stats([sum(column) for column in zip(*stats, strict=True)])

    def _compute_score_from_stats(self, stats) -> Score:
        dividend, divisor = (float(number) for number in stats)
        if not divisor:
            return Score(self.name, 100.0 if dividend else 0.0)
        return Score(self.name, 100.0 * dividend / divisor)
