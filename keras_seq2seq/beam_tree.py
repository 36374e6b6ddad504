"""What a beam search can return, without the search, so that reading it does not need Keras."""

from typing import Any, NamedTuple


class BeamTree(NamedTuple):
    """The live and finished hypotheses of all steps of a beam search.

    Attributes:
        ids: Integers `(batch, steps, width)`, the token added to each live hypothesis, 0 for none.
        parents: Integers `(batch, steps, width)`, the beam of the previous step that it
            extends.
        token_scores: Floats `(batch, steps, width)`, its log-probability.
        ends: Booleans `(batch, steps, width)`, which beams of the previous step end in this one.
        end_scores: Floats `(batch, steps, width)`, the log-probability of their end token.
    """

    ids: Any
    parents: Any
    token_scores: Any
    ends: Any
    end_scores: Any
