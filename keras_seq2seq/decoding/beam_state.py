"""What a beam search knows between two steps."""

from typing import Any, NamedTuple


class Finished(NamedTuple):
    """The best hypotheses that have ended, best first; each tensor is `(batch, n_best)`.

    Attributes:
        scores: Floats, what hypotheses are ranked by; minus infinity where there is none.
        times: Integers, the position of the end token.
        parents: Integers, the beam that ended.
        end_scores: Floats, the log-probability of the end token.
    """

    scores: Any
    times: Any
    parents: Any
    end_scores: Any


class Candidates(NamedTuple):
    """Continuations of live hypotheses, likeliest first; each tensor is `(batch, n)`.

    Attributes:
        ids: Integers, the token added.
        parents: Integers, the beam that it is added to.
        token_scores: Floats, its log-probability.
        scores: Floats, the log-probability of the whole; minus infinity for none.
    """

    ids: Any
    parents: Any
    token_scores: Any
    scores: Any


class BeamState(NamedTuple):
    """The state between two steps; each tensor's first axis is the sentences.

    The beams of a sentence are its live hypotheses, likeliest first: one before the first step,
    `width` thereafter.

    Attributes:
        rows: Integers `(batch,)`, where in the first batch each sentence was.
        times: Integers `(batch,)`, the number of tokens of each live hypothesis.
        done: Booleans `(batch,)`.
        results: `Finished`.
        ids: Integers `(batch, beams)`, the last tokens.
        scores: Floats `(batch, beams)`, the log-probabilities; minus infinity for no hypothesis.
        states: Tensors `(batch, beams, ...)`.
        memory: Tensors `(batch, ...)`, which the beams of a sentence share.
        limits: `Limits`.
        source_lengths: Integers `(batch,)`, or `()` without a coverage penalty.
        coverage: Floats `(batch, beams, source_length)`, the attention summed over the tokens so
            far, or `()` without a coverage penalty.
        history: Integers `(batch, beams, length)`, or `()` if no rule needs it.
    """

    rows: Any
    times: Any
    done: Any
    results: Finished
    ids: Any
    scores: Any
    states: Any
    memory: Any
    limits: Any
    source_lengths: Any
    coverage: Any
    history: Any
