"""A translated sentence."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_seq2seq.decoding import BeamTree
from keras_seq2seq.translator.hypothesis import Hypothesis


@dataclass(frozen=True)
class Translation:
    """A sentence with its translations; those of the best one are its own.

    Attributes:
        source_tokens: The tokens of the source, in the order in which they were written.
        hypotheses: The translations, best first: as many as the search was asked for, or as it
            found. An empty sentence has one, which is empty.
        tree: What the beam search kept at each step: a `BeamTree` of arrays `(steps, width)`,
            or `None` if it was not asked for.
    """

    source_tokens: list[str]
    hypotheses: list[Hypothesis]
    tree: BeamTree | None = None

    @property
    def best(self) -> Hypothesis:
        """The best hypothesis."""
        return self.hypotheses[0]

    @property
    def text(self) -> str:
        """The best translation."""
        return self.best.text

    @property
    def target_tokens(self) -> list[str]:
        """The tokens of the best translation."""
        return self.best.tokens

    @property
    def score(self) -> float | None:
        """The score of the best translation."""
        return self.best.score

    @property
    def attention(self) -> np.ndarray | None:
        """The attention of the best translation."""
        return self.best.attention

    @property
    def alignment(self) -> list[int] | None:
        """The alignment of the best translation."""
        return self.best.alignment

    def to_dict(self, with_attention: bool = False) -> dict[str, Any]:
        """Returns the source and all hypotheses as JSON has them."""
        return {
            "source_tokens": self.source_tokens,
            "hypotheses": [hypothesis.to_dict(with_attention) for hypothesis in self.hypotheses],
        }
