"""Metrics that are sums over lines of text."""

from abc import abstractmethod
from importlib.metadata import version

from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.base import Metric, Score, Signature

from keras_seq2seq.errors import UserError


class LineSignature(Signature):
    """The signature of a `LineMetric` in sacrebleu's format."""

    def __init__(self, args: dict):
        super().__init__(args)
        self.info["case"] = "lc" if args["lowercase"] else "mixed"
        self.info["tok"] = args["unit"]
        self.info["version"] = args["version"]
        self._abbr.update(case="c", tok="tok")


class LineMetric(Metric):
    """Base class of metrics that are the ratio of two sums over lines, in percent.

    Subclasses implement `count`, which returns both terms for one line. Consecutive whitespace
    counts as a single space. If the denominator is zero, the score is 0 if the numerator is zero
    as well, and 100 otherwise.

    If a line has several references, its terms are those of the best one (see `choose`).

    Args:
        name: The name of the metric.
        unit: The unit of comparison, for the signature.
        lowercase: Whether to ignore case.
        version: The underlying library and its version, for the signature, if any.
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
        """Returns the numerator and the denominator of one line.

        Args:
            hypothesis: The line to score.
            reference: The reference line.
        """

    def choose(self, counts: list[tuple[float, float]]) -> tuple[float, float]:
        """Returns the counts of the best reference; by default, those with the largest numerator.

        Args:
            counts: What `count` returned for each reference of a line.
        """
        return max(counts)

    def _preprocess_segment(self, sent: str) -> str:
        return " ".join((sent.lower() if self.lowercase else sent).split())

    def _extract_reference_info(self, refs) -> dict:
        return {"references": refs}

    def _compute_segment_statistics(self, hypothesis: str, ref_kwargs: dict) -> list[float]:
        counts = [self.count(hypothesis, reference) for reference in ref_kwargs["references"]]
        return list(self.choose(counts))

    def _aggregate_and_compute(self, stats) -> Score:
        return self._compute_score_from_stats([sum(column) for column in zip(*stats, strict=True)])

    def _compute_score_from_stats(self, stats) -> Score:
        numerator, denominator = (float(number) for number in stats)
        if not denominator:
            return Score(self.name, 100.0 if numerator else 0.0)
        return Score(self.name, 100.0 * numerator / denominator)


class ErrorRate(LineMetric):
    """Word, phone or character error rate.

    The number of substitutions, deletions and insertions, divided by the length of the references;
    it may exceed 100. Words and phones are separated by whitespace, so that their error rates only
    differ in name. Spaces within a line count as characters.

    If a line has several references, only the closest one counts: the one with the fewest errors,
    or the longest of them in case of a tie.

    Args:
        name: `"wer"` (words), `"per"` (phones) or `"cer"` (characters).
        lowercase: Whether to ignore case.
    """

    def __init__(self, name: str, lowercase: bool = False):
        import jiwer

        is_characters = name == "cer"
        unit = "char" if is_characters else "blanks"
        super().__init__(name, unit, lowercase, f"jiwer-{version('jiwer')}")
        self._process = jiwer.process_characters if is_characters else jiwer.process_words
        self._split = list if is_characters else str.split

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        if not reference:
            # Some versions of jiwer do not support empty references.
            return len(self._split(hypothesis)), 0
        output = self._process(reference, hypothesis)
        kept_or_replaced = output.hits + output.substitutions
        errors = output.substitutions + output.deletions + output.insertions
        return errors, kept_or_replaced + output.deletions

    def choose(self, counts: list[tuple[float, float]]) -> tuple[float, float]:
        return min(counts, key=lambda count: (count[0], -count[1]))


class ExactMatch(LineMetric):
    """The percentage of lines that equal a reference, apart from whitespace.

    Args:
        lowercase: Whether to ignore case.
    """

    def __init__(self, lowercase: bool = False):
        super().__init__("exact_match", "line", lowercase)

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        return int(hypothesis == reference), 1


class SequenceError(LineMetric):
    """The percentage of lines that equal no reference: 100 minus the exact match.

    In papers on pronunciation, this is the word error rate.

    Args:
        lowercase: Whether to ignore case.
    """

    def __init__(self, lowercase: bool = False):
        super().__init__("sequence_error", "line", lowercase)

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        return int(hypothesis != reference), 1

    def choose(self, counts: list[tuple[float, float]]) -> tuple[float, float]:
        return min(counts)


class Rouge(LineMetric):
    """ROUGE: the F-measure of the overlap with the best reference, averaged over lines.

    Words are separated by whitespace and not stemmed, because the tokenizer of rouge-score drops
    all letters except `a-z`. Lines without n-grams, such as empty lines, or lines of a single word
    for `"rouge_2"`, score 0.

    Args:
        name: `"rouge_1"` (words), `"rouge_2"` (word bigrams) or `"rouge_l"` (longest common
            subsequence).
        lowercase: Whether to ignore case.

    Reference:
        - Lin, 2004, "ROUGE: A Package for Automatic Evaluation of Summaries",
          https://aclanthology.org/W04-1013
    """

    def __init__(self, name: str, lowercase: bool = False):
        # Imported here, because its dependency nltk takes half a second to import.
        from rouge_score.rouge_scorer import RougeScorer
        from rouge_score.scoring import fmeasure

        super().__init__(name, "blanks", lowercase, f"rouge-score-{version('rouge-score')}")
        self._type = name.replace("_", "").replace("l", "L")
        self._scorer = RougeScorer([self._type], tokenizer=_WhitespaceSplitter())
        self._fmeasure = fmeasure

    def count(self, hypothesis: str, reference: str) -> tuple[float, float]:
        if self._type == "rougeL":
            return self._common_subsequence(hypothesis.split(), reference.split()), 1
        return self._scorer.score(reference, hypothesis)[self._type].fmeasure, 1

    def _common_subsequence(self, hypothesis: list[str], reference: list[str]) -> float:
        """Returns the F-measure as rouge-score does, which takes minutes for very long lines."""
        if not hypothesis or not reference:
            return 0.0
        from rapidfuzz.distance import LCSseq

        numbers = {word: number for number, word in enumerate({*hypothesis, *reference})}
        sides = ([numbers[word] for word in side] for side in (hypothesis, reference))
        length = LCSseq.similarity(*sides)
        return self._fmeasure(length / len(hypothesis), length / len(reference))


class _WhitespaceSplitter:
    def tokenize(self, text: str) -> list[str]:
        return text.split()


def make_bleu(tokenize: str = "13a", lowercase: bool = False) -> BLEU:
    """Creates the BLEU metric.

    Args:
        tokenize: The tokenizer, one of `TOKENIZERS`.
        lowercase: Whether to ignore case.

    Raises:
        UserError: If the tokenizer requires a library that is not installed.

    Reference:
        - Papineni et al., 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation",
          https://aclanthology.org/P02-1040
    """
    try:
        # `force` suppresses sacrebleu's warnings about tokenized text.
        return BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
    except RuntimeError:
        extra = tokenize.partition("-")[0]
        raise UserError(
            f"tokenizer {tokenize!r} is not installed: pip install 'sacrebleu[{extra}]'"
        ) from None


def make_chrf(lowercase: bool = False) -> CHRF:
    """Creates the chrF2 metric, without word n-grams.

    Args:
        lowercase: Whether to ignore case.

    Reference:
        - Popović, 2015, "chrF: character n-gram F-score for automatic MT evaluation",
          https://aclanthology.org/W15-3049
    """
    return CHRF(lowercase=lowercase)


def make_ter() -> TER:
    """Creates the TER metric, which ignores case.

    Reference:
        - Snover et al., 2006, "A Study of Translation Edit Rate with Targeted Human Annotation",
          https://aclanthology.org/2006.amta-papers.25
    """
    return TER()
