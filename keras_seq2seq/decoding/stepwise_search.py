"""What the searches share that decide on each token at once."""

from typing import Any, NamedTuple

from keras import ops

from keras_seq2seq.decoding.constraints import append_to_history
from keras_seq2seq.decoding.hypotheses import Hypotheses
from keras_seq2seq.decoding.rows import count_rows, repeat_rows, take_beams
from keras_seq2seq.decoding.search import Search, times_after
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID


class StepwiseState(NamedTuple):
    """The state between two steps; each tensor's first axis is the rows."""

    rows: Any
    times: Any
    done: Any
    results: tuple  # None: all there is to know is recorded step by step.
    ids: Any  # (rows,), the tokens that came before
    states: Any
    memory: Any
    limits: Any
    history: Any  # (rows, length) or ()
    noise: Any  # (rows, max_length) or ()


class StepwiseEntry(NamedTuple):
    """What is recorded of a step."""

    ids: Any  # (rows,)
    token_scores: Any  # (rows,) or ()
    attention_scores: Any  # (rows, source_length) or ()


class StepwiseSearch(Search):
    """Follows `n_best` hypotheses a sentence, each on its own, and never takes a token back.

    A subclass says which token comes next, in `_choose`.

    Args:
        n_best: Integer, the number of hypotheses of each sentence.
        constraints: The arguments of `Constraints`, by name.
    """

    def __init__(self, n_best=1, **constraints):
        super().__init__(**constraints)
        if n_best < 1:
            raise ValueError(f"`n_best` must be at least 1. Received: n_best={n_best}")
        self.n_best = n_best

    def _choose(self, logits, rules, noise):
        """Returns the next tokens and their log-probabilities, both `(rows,)`.

        Args:
            logits: Float tensor `(rows, vocabulary_size)`.
            rules: `Rules` of the rows.
            noise: This step's column of what `_draw_noise` returned, or `None`.
        """
        raise NotImplementedError

    def _draw_noise(self, rows, times):
        """Returns random numbers `(rows, times)`, or `()` if none are needed."""
        return ()

    def _begin(self, states, memory, limits, source_lengths, max_length):
        rows = count_rows(states) * self.n_best
        if self.n_best > 1:
            states, memory, limits = repeat_rows((states, memory, limits), self.n_best)
        return StepwiseState(
            rows=ops.arange(rows, dtype="int32"),
            times=ops.zeros((rows,), dtype="int32"),
            done=ops.zeros((rows,), dtype="bool"),
            results=(),
            ids=ops.full((rows,), START_ID, dtype="int32"),
            states=states,
            memory=memory,
            limits=limits,
            history=self.constraints.start_history((rows,), max_length),
            # A time more, at which rows that are done stay.
            noise=self._draw_noise(rows, max_length + 1),
        )

    def _advance(self, step, state, wanted):
        logits, attention_scores, states = step(state.ids, state.states, state.memory)
        rules = self.constraints.rules(state.times, state.limits, state.history)
        noise = None
        if not isinstance(state.noise, tuple):
            noise = take_beams(state.noise, ops.expand_dims(state.times, axis=-1))[:, 0]
        ids, token_scores = self._choose(logits, rules, noise)
        ids = ops.where(state.done, PADDING_ID, ids)
        entry = StepwiseEntry(ids=ids, token_scores=(), attention_scores=())
        # Several hypotheses are sorted by their scores.
        if wanted.scores or self.n_best > 1:
            entry = entry._replace(token_scores=ops.where(state.done, 0.0, token_scores))
        if wanted.attention_scores and attention_scores is not None:
            is_live = ops.expand_dims(ops.logical_not(state.done), axis=-1)
            weights = ops.where(is_live, ops.cast(attention_scores, "float32"), 0.0)
            entry = entry._replace(attention_scores=weights)
        # Whatever was chosen: the loop must end even if the logits are no numbers.
        is_last = state.times + 1 >= state.limits.longest
        ends = ops.logical_or(ops.equal(ids, END_ID), is_last)
        state = state._replace(
            times=times_after(state),
            ids=ids,
            done=ops.logical_or(state.done, ends),
            states=states,
            history=append_to_history(state.history, state.times, ids),
        )
        return state, entry

    def _finish(self, record, results):
        ids = self._by_sentence(record.ids)
        scores = token_scores = attention_scores = None
        if not isinstance(record.token_scores, tuple):
            token_scores = self._by_sentence(record.token_scores)
            scores = ops.sum(token_scores, axis=-1)
        if not isinstance(record.attention_scores, tuple):
            attention_scores = self._by_sentence(record.attention_scores)
        hypotheses = Hypotheses(ids, scores, token_scores, attention_scores)
        return hypotheses if self.n_best == 1 else best_first(hypotheses)

    def _by_sentence(self, tensor):
        # (time, batch * n_best, ...) -> (batch * n_best, time, ...)
        tensor = ops.swapaxes(tensor, 0, 1)
        # (batch * n_best, time, ...) -> (batch, n_best, time, ...)
        return ops.reshape(tensor, (-1, self.n_best, *ops.shape(tensor)[1:]))


def best_first(hypotheses):
    """Sorts the hypotheses of each sentence by their scores."""
    _, order = ops.top_k(hypotheses.scores, hypotheses.scores.shape[-1])
    return Hypotheses(*(None if t is None else take_beams(t, order) for t in hypotheses))
