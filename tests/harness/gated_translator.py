"""A translator that waits until it is told to go on."""

import threading

from keras_seq2seq.translator.translation import Hypothesis, Translation


class GatedTranslator:
    """Translates to upper case while its gate is open; fails for texts with "fail".

    Attributes:
        gate: The gate, which is open at first.
        batches: The batches that were translated, except for those of a single ".".
    """

    n_best = 1
    has_attention = False

    def __init__(self, suffix=""):
        self.search = None
        self.gate = threading.Event()
        self.gate.set()
        self.batches = []
        self._suffix = suffix

    def stream(self, texts, batch_size=64, *, prefixes=None, with_scores=True, with_attention=True):
        texts = list(texts)
        if texts != ["."]:
            self.batches.append(texts)
        assert self.gate.wait(30)
        for text in texts:
            if "fail" in text:
                raise ValueError("it fails")
            translation = text.upper() + self._suffix
            yield Translation(text.split(), [Hypothesis(translation, [], -1.0, [])])
