"""The loop that every search shares."""

from typing import NamedTuple

import keras
from keras import ops

from keras_seq2seq.backend.fill_up import fill_up
from keras_seq2seq.decoding.constraints import Constraints
from keras_seq2seq.decoding.rows import count_rows, put_rows, put_step, take_rows

# Ended sentences are dropped once they are this part of the batch: dropping copies the memory of
# all others, which takes about a fifth of a step.
DROPPED_PART = 0.1
# What is left is filled up to a multiple of it.
ROW_MULTIPLE = 16


class Wanted(NamedTuple):
    """What a search is to tell beside the tokens."""

    scores: bool
    attention_scores: bool


class Search:
    """Extends hypotheses token by token until every sentence has ended.

    The loop runs in the graph. On TensorFlow sentences that have ended are dropped from the batch
    on the way, so that a few long ones do not hold up the rest; JAX, whose shapes are fixed,
    carries them along. A subclass says what a step is, in `_begin`, `_advance` and `_finish`.

    Args:
        constraints: The arguments of `Constraints`, by name.

    Call arguments:
        step: Function `(ids (rows,), states, memory) -> (logits (rows, vocabulary_size),
            attention_scores (rows, source_length) or None, states)`, such as
            `Seq2Seq.decode_step`.
        states: Nested structure of tensors `(batch, ...)`, the states before the first token.
        memory: Nested structure of tensors `(batch, ...)`, what every step needs of the source.
        source_lengths: Integer tensor `(batch,)`, the number of tokens of each source. Needed by
            limits relative to it and by a coverage penalty.
        prefix: Integer tensor `(batch, prefix_length)` padded with 0 on the right, the tokens
            that each hypothesis must begin with.
        max_length: Integer or scalar tensor, in place of the constructor's.
        return_scores: Boolean, whether to return the scores. A search that can do without them
            takes less time if not.
        return_attention_scores: Boolean, whether to return the attention weights too.

    Output:
        `Hypotheses`, as long as the search took steps, or on JAX as `max_length`.
    """

    # Whether what a batch gives depends on nothing but that batch.
    is_deterministic = True

    def __init__(self, **constraints):
        self.constraints = Constraints(**constraints)

    def __call__(
        self,
        step,
        states,
        memory=(),
        source_lengths=None,
        prefix=None,
        max_length=None,
        return_scores=True,
        return_attention_scores=False,
    ):
        max_length = self.constraints.max_length if max_length is None else max_length
        batch_size = count_rows(states)
        limits = self.constraints.limits(batch_size, source_lengths, prefix, max_length)
        wanted = Wanted(return_scores, return_attention_scores)
        if can_change_shapes():
            max_length = ops.max(limits.longest, initial=1)
        state = self._begin(states, memory, limits, source_lengths, max_length)

        # The first step, outside the loop, shows what there will be to record.
        state, entry = self._advance(step, 0, state, wanted)
        record = make_record(entry, max_length)
        record = put_step(record, 0, state.rows, entry)
        results = state.results

        def cond(time, state, record, results):
            return ops.logical_not(ops.all(state.done))

        def body(time, state, record, results):
            state, entry = self._advance(step, time, state, wanted)
            record = put_step(record, time, state.rows, entry)
            results = put_rows(results, state.rows, state.results)
            return time + 1, drop_done_if_many(state), record, results

        loop_vars = (1, drop_done(state), record, results)
        steps, _, record, results = ops.while_loop(cond, body, loop_vars)
        if can_change_shapes():
            record = keras.tree.map_structure(lambda tensor: tensor[:steps], record)
        hypotheses = self._finish(record, results)
        return hypotheses if return_scores else hypotheses.without_scores()

    def _begin(self, states, memory, limits, source_lengths, max_length):
        """Returns the state before the first step.

        A nested structure of tensors `(rows, ...)`, with the attributes `rows`, the integers
        `(rows,)` that tell where in the batch each row came from, `done`, the booleans `(rows,)`
        that tell which need no further step, and `results`, what `_finish` needs of each row.
        """
        raise NotImplementedError

    def _advance(self, step, time, state, wanted):
        """Returns the state after one more token, and what to record of this step.

        The record of a step is a nested structure of tensors `(rows, ...)`, without those that
        nobody `Wanted`.
        """
        raise NotImplementedError

    def _finish(self, record, results):
        """Returns the `Hypotheses`.

        Args:
            record: What `_advance` gave to record, of all steps: tensors `(time, batch, ...)`.
            results: The `results` of the whole batch.
        """
        raise NotImplementedError


def make_record(entry, max_length):
    """Returns zeros `(max_length, batch, ...)` for tensors `(batch, ...)` to be recorded."""

    def make(tensor):
        return ops.zeros((max_length, *ops.shape(tensor)), dtype=tensor.dtype)

    return keras.tree.map_structure(make, entry)


def can_change_shapes():
    """Returns whether a tensor may change its shape within a loop."""
    return keras.backend.backend() == "tensorflow"


def drop_done(state):
    """Returns the state without the rows that are done, but for those that fill it up."""
    if not can_change_shapes():
        return state
    live, done = (ops.nonzero(flags)[0] for flags in (ops.logical_not(state.done), state.done))
    return take_rows(state, ops.concatenate([live, done])[: count_kept(state)])


def drop_done_if_many(state):
    """Returns the state without the rows that are done, if that is worth its while."""
    if not can_change_shapes():
        return state
    part = ops.cast(count_kept(state), "float32") / ops.cast(count_rows(state.done), "float32")
    return ops.cond(part <= 1.0 - DROPPED_PART, lambda: drop_done(state), lambda: state)


def count_kept(state):
    """Returns the number of rows that are left once those that are done have been dropped."""
    live = ops.sum(ops.cast(ops.logical_not(state.done), "int32"))
    return ops.minimum(fill_up(live, ROW_MULTIPLE), count_rows(state.done))
