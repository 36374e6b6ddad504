"""One way to translate a sentence."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hypothesis:
    """A translation of a sentence, out of several.

    Attributes:
        text: The translation.
        tokens: Its tokens.
        score: What the search ranked it by: the log-probability in nats, its end included,
            changed by the search's penalties if it has any; `None` if not asked for.
        token_scores: The log-probabilities of its tokens, and at last that of its end: one more
            than there are tokens; `None` if not asked for.
        attention: Floats `(tokens, source_tokens)`: where each token looked, weights on the
            source's end token left out; `None` without attention.
        ids: The ids of its tokens, as the model wrote them: before unknown words were replaced.
    """

    text: str
    tokens: list[str]
    score: float | None
    token_scores: list[float] | None
    attention: np.ndarray | None = None
    ids: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        """The log-probability in nats, without any penalty: that which `Scorer` gives."""
        return math.fsum(self.token_scores)

    @property
    def alignment(self) -> list[int] | None:
        """For each token the position, from 0, of the source token that it looked at most."""
        if self.attention is None:
            return None
        return self.attention.argmax(axis=1).tolist() if self.tokens else []

    def to_dict(self, with_attention: bool = False) -> dict[str, Any]:
        """Returns all that is known, as JSON has it; attention weights only if asked for."""
        record = {
            "text": self.text,
            "tokens": self.tokens,
            "score": self.score,
            "log_probability": self.log_probability,
            "token_scores": self.token_scores,
            "alignment": self.alignment,
        }
        if with_attention:
            record["attention"] = None if self.attention is None else self.attention.tolist()
        return record
