"""Word and character error rate by jiwer."""

from importlib.metadata import version

from keras_seq2seq.metrics.line_metric import LineMetric


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
