"""ROUGE by rouge-score."""

from importlib.metadata import version

from keras_seq2seq.metrics.line_metric import LineMetric


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
