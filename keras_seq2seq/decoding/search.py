"""The loop that all searches share, and what it returns."""

from typing import Any, NamedTuple

from keras import ops

from keras_seq2seq.backend import CAN_CHANGE_SHAPES, StepLog, fill_up
from keras_seq2seq.decoding.constraints import Constraints
from keras_seq2seq.decoding.rows import count_rows, put_rows, take_rows


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


# Rows that are done give way once they are this part of all: that copies the memory of the others
# too, which takes about a sixth of a step.
DONE_PART = 0.05
# Where none are left to take their place, the rows that stay are filled up to a multiple of it.
ROW_MULTIPLE = 16


class Requested(NamedTuple):
    """What a search is to tell beside the tokens."""

    scores: bool
    attention_scores: bool


class Search:
    """Extends hypotheses token by token until every sentence has ended.

    The loop runs in the graph. On TensorFlow sentences that have ended give way to others that
    wait, and once none wait are dropped, so that a few long ones do not hold up the rest; JAX,
    whose shapes are fixed, carries them along. A subclass says what a step is, in `_begin`,
    `_advance` and `_finish`.

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
        num_slots: Integer or scalar tensor, how many rows go on at once, each a sentence or
            one of several hypotheses that are followed alone; the others wait. By default all.
            What is found does not depend on it. JAX takes all.

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
        num_slots=None,
    ):
        max_length = self.constraints.max_length if max_length is None else max_length
        batch_size = count_rows(states)
        limits = self.constraints.limits(batch_size, source_lengths, prefix, max_length)
        requested = Requested(return_scores, return_attention_scores)
        if CAN_CHANGE_SHAPES:
            max_length = ops.max(limits.longest, initial=1)
        state = self._begin(states, memory, limits, source_lengths, max_length)

        # The first step, outside the loop and of all rows, shows what there will be to record.
        everyone, entry = self._advance(step, state, requested)
        # Rows that are done stay at the time after their last.
        record = StepLog(entry, max_length + 1)
        written = record.write(record.empty(), entry, state.times, state.rows)

        def cond(steps, state, begun, written, results):
            is_anyone_left = begun < count_rows(everyone.done)
            return ops.logical_or(is_anyone_left, ops.logical_not(ops.all(state.done)))

        def body(steps, state, begun, written, results):
            after, entry = self._advance(step, state, requested)
            written = record.write(written, entry, state.times, state.rows)
            results = put_rows(results, after.rows, after.results)
            steps = ops.maximum(steps, ops.max(after.times))
            return steps, *refill_if_worthwhile(after, begun, everyone), written, results

        loop_vars = (1, *first_rows(everyone, num_slots), written, everyone.results)
        steps, _, _, written, results = ops.while_loop(cond, body, loop_vars)
        record = record.read(written, steps if CAN_CHANGE_SHAPES else max_length)
        hypotheses = self._finish(record, results)
        return hypotheses if return_scores else hypotheses.without_scores()

    def _begin(self, states, memory, limits, source_lengths, max_length):
        """Returns the state before the first step.

        A nested structure of tensors `(rows, ...)`, with the attributes `rows`, the integers
        `(rows,)` that tell where in the batch each row came from, `times`, the integers `(rows,)`
        that tell how many tokens it has, `done`, the booleans `(rows,)` that tell which need no
        further step, and `results`, what `_finish` needs of each row.
        """
        raise NotImplementedError

    def _advance(self, step, state, requested):
        """Returns the state after one more token, and what to record of this step.

        The record of a step is a nested structure of tensors `(rows, ...)`, without those that
        nobody `Requested`.
        """
        raise NotImplementedError

    def _finish(self, record, results):
        """Returns the `Hypotheses`.

        Args:
            record: What `_advance` gave to record, of all steps: tensors `(time, batch, ...)`.
            results: The `results` of the whole batch.
        """
        raise NotImplementedError


def times_after(state):
    """Returns how many tokens each row has after a step, which adds none to rows that are done."""
    return state.times + ops.cast(ops.logical_not(state.done), "int32")


def first_rows(everyone, number):
    """Returns the state of the first rows, which begin, and how many those are."""
    count = count_rows(everyone.done)
    if not CAN_CHANGE_SHAPES:
        return everyone, count
    number = count if number is None else ops.minimum(number, count)
    # By `nonzero`, whose length is not known while the loop is traced, as the rows become fewer.
    return take_rows(everyone, ops.nonzero(ops.arange(count) < number)[0]), number


def refill_if_worthwhile(state, begun, everyone):
    """Has rows that are done give way, if they are many.

    Args:
        state: The state of the rows that go on.
        begun: Integer, how many rows have begun.
        everyone: The state of all rows as they begin.

    Returns:
        The state of the rows that go on now, and how many have begun now.
    """
    if not CAN_CHANGE_SHAPES:
        return state, begun
    rows = count_rows(state.done)
    others_wait = begun < count_rows(everyone.done)
    staying = ops.where(others_wait, count_live(state), count_kept(state))
    is_worth_while = ops.cast(rows - staying, "float32") >= DONE_PART * ops.cast(rows, "float32")

    def give_way():
        return ops.cond(
            others_wait,
            lambda: replace_done(state, begun, everyone),
            lambda: (drop_done(state), begun),
        )

    return ops.cond(is_worth_while, give_way, lambda: (state, begun))


def replace_done(state, begun, everyone):
    """Puts the next rows in place of those that are done; returns as `refill_if_worthwhile`."""
    places = ops.nonzero(state.done)[0]
    number = ops.minimum(count_rows(places), count_rows(everyone.done) - begun)
    entering = take_rows(everyone, begun + ops.arange(number, dtype="int32"))
    return put_rows(state, places[:number], entering), begun + number


def drop_done(state):
    """Returns the state without the rows that are done, but for those that fill it up."""
    live, done = (ops.nonzero(flags)[0] for flags in (ops.logical_not(state.done), state.done))
    return take_rows(state, ops.concatenate([live, done])[: count_kept(state)])


def count_kept(state):
    """Returns the number of rows that are left once those that are done have been dropped."""
    return ops.minimum(fill_up(count_live(state), ROW_MULTIPLE), count_rows(state.done))


def count_live(state):
    """Returns the number of rows that are not done."""
    return ops.sum(ops.cast(ops.logical_not(state.done), "int32"))
