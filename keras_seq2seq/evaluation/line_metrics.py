"""Metrics over lines of text."""

from abc import abstractmethod
from importlib.metadata import version

from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric, Score, Signature

from keras_seq2seq.errors import UserError


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


class ErrorRate(LineMetric):
    """Words or characters to substitute, delete and insert, for each one of the references.

    May exceed 100. Words are what stands between blanks; a blank inside of a line is a character.

    Args:
        name: `"wer"` (words) or `"cer"` (characters).
        lowercase: Whether to compare text in lower case.
    """

    def __init__(self, name: str, lowercase: bool = False):
        import jiwer

        is_words = name == "wer"
        unit = "blanks" if is_words else "char"
        super().__init__(name, unit, lowercase, f"jiwer-{version('jiwer')}")
        self._process = jiwer.process_words if is_words else jiwer.process_characters
        self._split = str.split if is_words else list

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        if not reference:
            # Not every version of jiwer takes an empty reference.
            return len(self._split(hypothesis)), 0
        output = self._process(reference, hypothesis)
        kept_or_replaced = output.hits + output.substitutions
        errors = output.substitutions + output.deletions + output.insertions
        return errors, kept_or_replaced + output.deletions


class ExactMatch(LineMetric):
    """The share of lines that equal their reference, but for runs of blanks.

    Args:
        lowercase: Whether to compare text in lower case.
    """

    def __init__(self, lowercase: bool = False):
        super().__init__("exact_match", "line", lowercase)

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        return int(hypothesis == reference), 1


class Rouge(LineMetric):
    """The mean F-measure of shared words, over all lines.

    Words are what stands between blanks, without stemming: rouge-score's own tokenizer knows
    nothing but `a-z` and `0-9`, and would drop every other letter. Case counts unless `lowercase`
    is given. A line with nothing to share, such as an empty one, or one of a single word for
    `"rouge_2"`, counts as 0.

    Args:
        name: `"rouge_1"` (words), `"rouge_2"` (pairs of words) or `"rouge_l"` (the longest common
            subsequence).
        lowercase: Whether to compare text in lower case.

    Reference:
        - Lin, 2004, https://aclanthology.org/W04-1013
    """

    def __init__(self, name: str, lowercase: bool = False):
        # Imported here since it imports nltk, which takes half a second.
        from rouge_score.rouge_scorer import RougeScorer

        super().__init__(name, "blanks", lowercase, f"rouge-score-{version('rouge-score')}")
        self._type = name.replace("_", "").replace("l", "L")
        self._scorer = RougeScorer([self._type], tokenizer=_BlankTokenizer())

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        return self._scorer.score(reference, hypothesis)[self._type].fmeasure, 1


class _BlankTokenizer:
    def tokenize(self, text: str) -> list[str]:
        return text.split()


def make_bleu(tokenize: str = "13a", lowercase: bool = False) -> BLEU:
    """Makes BLEU (Papineni et al., 2002, https://aclanthology.org/P02-1040).

    Args:
        tokenize: One of `TOKENIZERS`.
        lowercase: Whether to compare text in lower case.

    Raises:
        UserError: If the tokenizer needs a library that is not installed.
    """
    try:
        # `force` keeps sacrebleu from warning of tokenised text, at each evaluation of a training.
        return BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
    except RuntimeError:
        extra = tokenize.partition("-")[0]
        raise UserError(
            f"tokenizer {tokenize!r} needs a library: pip install 'sacrebleu[{extra}]'"
        ) from None


def make_chrf(lowercase: bool = False) -> CHRF:
    """Makes chrF2, over characters only (Popovic, 2015, https://aclanthology.org/W15-3049).

    Args:
        lowercase: Whether to compare text in lower case.
    """
    return CHRF(lowercase=lowercase)


def make_ter() -> TER:
    """Makes TER, which ignores case.

    Reference:
        - Snover et al., 2006, https://aclanthology.org/2006.amta-papers.25
    """
    return TER()
