"""What a search returns."""

from typing import Any, NamedTuple


class Hypotheses(NamedTuple):
    """The best hypotheses of each sentence, best first.

    Attributes:
        ids: Integers `(batch, n_best, length)`: the tokens, the end token, then zeros.
        scores: Floats `(batch, n_best)`: what the hypotheses were ranked by. Minus infinity, with
            no tokens, where fewer than `n_best` were found. `None` if not asked for.
        token_scores: Floats `(batch, n_best, length)`: the log-probability of each token, the
            end token included, then zeros. `None` if not asked for.
        attention_scores: Floats `(batch, n_best, length, source_length)`, or `None` if not asked
            for or if the model has no attention.
        tree: `BeamTree`, or `None` if not asked for.
    """

    ids: Any
    scores: Any
    token_scores: Any
    attention_scores: Any = None
    tree: Any = None

    def without_scores(self):
        """Returns the same hypotheses, without their scores."""
        return self._replace(scores=None, token_scores=None)
