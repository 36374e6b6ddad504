"""The state of a beam search, and what it logs and returns."""

from typing import Any, NamedTuple


class Finished(NamedTuple):
    """The best hypotheses that have ended, best first; each tensor is `(batch, n_best)`.

    Attributes:
        scores: Floats, what hypotheses are ranked by; minus infinity where there is none.
        lengths: Integers, the number of tokens before the end token.
        parents: Integers, the beam that ended.
        end_scores: Floats, the log-probability of the end token.
    """

    scores: Any
    lengths: Any
    parents: Any
    end_scores: Any


class Candidates(NamedTuple):
    """Continuations of live hypotheses, most likely first; each tensor is `(batch, n)`.

    Attributes:
        ids: Integers, the token added.
        parents: Integers, the beam that it extends.
        token_scores: Floats, its log-probability.
        scores: Floats, the log-probability of the continuation; minus infinity for none.
    """

    ids: Any
    parents: Any
    token_scores: Any
    scores: Any


class BeamState(NamedTuple):
    """The state between two steps; each tensor's first axis is the sentences.

    The beams of a sentence are its live hypotheses, most likely first: one before the first step,
    `width` afterwards.

    Attributes:
        rows: Integers `(batch,)`, the index of each sentence in the batch.
        lengths: Integers `(batch,)`, the number of tokens of each live hypothesis.
        done: Booleans `(batch,)`.
        results: `Finished`.
        ids: Integers `(batch, beams)`, the last tokens.
        scores: Floats `(batch, beams)`, the log-probabilities; minus infinity for no hypothesis.
        states: Tensors `(batch, beams, ...)`.
        memory: Tensors `(batch, ...)`, shared by the beams of a sentence.
        limits: `Limits`.
        source_lengths: Integers `(batch,)`, or `()` without a coverage penalty.
        coverage: Floats `(batch, beams, source_length)`, the attention summed over the tokens so
            far, or `()` without a coverage penalty.
        history: Integers `(batch, beams, length)`, or `()` if no rule needs it.
    """

    rows: Any
    lengths: Any
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


class BeamEntry(NamedTuple):
    """The log entry of a step.

    Attributes:
        ids: Integers `(batch, width)`, the token added to each live hypothesis, 0 for none.
        parents: Integers `(batch, width)`, the beam of the previous step that it extends.
        token_scores: Floats `(batch, width)`, its log-probability.
        attention_scores: Floats `(batch, width, source_length)`, by beam of the previous step; or
            `()`.
        ends: Booleans `(batch, width)`, which beams of the previous step end in this one, or `()`.
        end_scores: Floats `(batch, width)`, the log-probability of their end token, or `()`.
    """

    ids: Any
    parents: Any
    token_scores: Any
    attention_scores: Any
    ends: Any
    end_scores: Any
