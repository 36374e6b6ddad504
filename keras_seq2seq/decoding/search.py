"""The loop that all searches share, what it returns, and operations on rows and beams."""

import inspect
import warnings
from difflib import get_close_matches
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_seq2seq import backend
from keras_seq2seq.backend import can_change_shapes, make_step_log
from keras_seq2seq.decoding.constraints import Constraints
from keras_seq2seq.special_tokens import PADDING_ID

# Finished slots are refilled or dropped once they are this share of all: that also copies the
# memory of the others, which takes about a sixth of a step.
FINISHED_SHARE = 0.05
# Once no rows wait, the number of slots is rounded up to a multiple of this.
SLOT_MULTIPLE = 16


class Hypotheses(NamedTuple):
    """The best hypotheses of each sentence, best first.

    Attributes:
        ids: Integers `(batch, n_best, length)`: the tokens, the end token, then zeros.
        scores: Floats `(batch, n_best)`: what the hypotheses were ranked by. Minus infinity, with
            no tokens, where fewer than `n_best` were found. `None` if not requested.
        token_scores: Floats `(batch, n_best, length)`: the log-probability of each token, the
            end token included, then zeros. `None` if not requested.
        attention_scores: Floats `(batch, n_best, length, source_length)`, or `None` if not
            requested or if the model has no attention.
        tree: `BeamTree`, or `None` if not requested.
    """

    ids: Any
    scores: Any
    token_scores: Any
    attention_scores: Any = None
    tree: Any = None

    def without_scores(self):
        """Returns the same hypotheses, without their scores."""
        return self._replace(scores=None, token_scores=None)

    def up_to_longest(self):
        """Returns the same hypotheses, of NumPy arrays, without the steps after the longest one.

        Where shapes are fixed, searches return as many steps as the maximum length.
        """
        length = max(int(np.max(np.sum(self.ids != PADDING_ID, axis=-1))), 1)

        def cut(part):
            return None if part is None else part[:, :, :length]

        return self._replace(
            ids=cut(self.ids),
            token_scores=cut(self.token_scores),
            attention_scores=cut(self.attention_scores),
        )


class Requested(NamedTuple):
    """What a search returns beside the tokens."""

    scores: bool
    attention_scores: bool


class Search:
    """Base class of the searches: extends hypotheses token by token until every sentence has ended.

    The loop runs in the graph. On TensorFlow it decodes with continuous batching: a limited number
    of slots advance together, and a slot whose sentence has ended is refilled with a waiting one,
    or dropped once none waits, so that long sentences do not block a batch. On JAX, whose shapes
    are fixed, all sentences stay until the last one has ended. A subclass defines the steps, in
    `_begin`, `_advance` and `_finish`.

    Args:
        constraints: The arguments of `Constraints`, by name.

    Call arguments:
        step: Function `(ids (rows,), states, memory) -> (logits (rows, vocabulary_size),
            attention_scores (rows, source_length) or None, states)`, such as
            `Seq2Seq.decode_step`.
        states: Nested structure of tensors `(batch, ...)`, the states before the first token.
        memory: Nested structure of tensors `(batch, ...)`, what every step needs of the source.
        source_lengths: Integer tensor `(batch,)`, the number of tokens of each source. Required
            by limits relative to it and by a coverage penalty.
        prefix: Integer tensor `(batch, prefix_length)` padded with 0 on the right, the tokens
            that each hypothesis must begin with.
        max_length: Integer or scalar tensor, instead of the constructor's.
        return_scores: Boolean, whether to return the scores. Some searches are faster without.
        return_attention_scores: Boolean, whether to return the attention weights too.
        num_slots: Integer or scalar tensor, how many rows advance together, each a sentence or one
            of several hypotheses that are followed independently. Defaults to all. The result
            does not depend on it. Has no effect on JAX.

    Output:
        `Hypotheses`, as long as the search took steps, or on JAX as `max_length`.
    """

    # Whether the result for a batch depends on nothing but that batch.
    is_deterministic = True

    def __init__(self, **constraints):
        self._check_names(constraints)
        self.constraints = Constraints(**constraints)

    def with_tree(self, return_tree):
        """Returns this search, with or without the tree of a beam search (`return_tree`)."""
        return self

    def _check_names(self, constraints):
        """Raises `TypeError` for an argument that the search does not have."""
        allowed = inspect.signature(Constraints).parameters
        known = {*allowed, *inspect.signature(type(self)).parameters} - {"constraints"}
        for name in constraints:
            if name not in allowed:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise TypeError(
                    f"{type(self).__name__} got an unexpected keyword argument {name!r}{hint}"
                )

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
        rows_at_once=None,
    ):
        if rows_at_once is not None:
            warnings.warn(
                "rows_at_once= is deprecated; use num_slots", DeprecationWarning, stacklevel=2
            )
            num_slots = rows_at_once
        max_length = self.constraints.max_length if max_length is None else max_length
        batch_size = count_rows(states)
        limits = self.constraints.limits(batch_size, source_lengths, prefix, max_length)
        requested = Requested(return_scores, return_attention_scores)
        if can_change_shapes():
            max_length = ops.max(limits.longest, initial=1)
        state = self._begin(states, memory, limits, source_lengths, max_length)

        # The first step, outside the loop and with all rows, shows what there is to log.
        waiting, entry = self._advance(step, state, requested)
        # A row that is done stays at the position after its last token.
        log = make_step_log(entry, max_length + 1)
        written = log.write(log.empty(), entry, state.lengths, state.rows)

        def cond(steps, state, started, written, results):
            some_wait = started < count_rows(waiting.done)
            return ops.logical_or(some_wait, ops.logical_not(ops.all(state.done)))

        def body(steps, state, started, written, results):
            after, entry = self._advance(step, state, requested)
            written = log.write(written, entry, state.lengths, state.rows)
            results = put_rows(results, after.rows, after.results)
            steps = ops.maximum(steps, ops.max(after.lengths))
            return steps, *refill_if_worthwhile(after, started, waiting), written, results

        loop_vars = (1, *first_slots(waiting, num_slots), written, waiting.results)
        steps, _, _, written, results = ops.while_loop(cond, body, loop_vars)
        entries = log.read(written, steps if can_change_shapes() else max_length)
        hypotheses = self._finish(entries, results)
        return hypotheses if return_scores else hypotheses.without_scores()

    def get_config(self):
        """Returns the arguments of the constructor, for `from_config`."""
        return self.constraints.get_config()

    @classmethod
    def from_config(cls, config):
        """Creates a search from what `get_config` returned."""
        return cls(**config)

    def _begin(self, states, memory, limits, source_lengths, max_length):
        """Returns the state before the first step.

        A nested structure of tensors `(rows, ...)` with the attributes `rows`, integers `(rows,)`,
        the index of each row in the batch; `lengths`, integers `(rows,)`, the number of tokens of
        each row; `done`, booleans `(rows,)`, which rows need no further step; and `results`, what
        `_finish` needs of each row.
        """
        raise NotImplementedError

    def _advance(self, step, state, requested):
        """Returns the state after one more token, and the log entry of this step.

        The entry is a nested structure of tensors `(rows, ...)`, without those that are not
        `requested`.
        """
        raise NotImplementedError

    def _finish(self, entries, results):
        """Returns the `Hypotheses`.

        Args:
            entries: The log entries of all steps: tensors `(time, batch, ...)`.
            results: The `results` of the whole batch.
        """
        raise NotImplementedError


def lengths_after(state):
    """Returns how many tokens each row has after a step, which adds none to rows that are done."""
    return state.lengths + ops.cast(ops.logical_not(state.done), "int32")


def first_slots(waiting, num_slots):
    """Returns the state of the first rows, which start, and their number."""
    count = count_rows(waiting.done)
    if not can_change_shapes():
        return waiting, count
    num_slots = count if num_slots is None else ops.minimum(num_slots, count)
    # By `nonzero`, whose length is unknown while the loop is traced, as the slots become fewer.
    rows = ops.nonzero(ops.arange(count, dtype="int32") < num_slots)[0]
    return take_rows(waiting, rows), num_slots


def refill_if_worthwhile(state, started, waiting):
    """Refills or drops finished slots, if there are enough of them.

    Args:
        state: The state of the rows in the slots.
        started: Integer, how many rows have started.
        waiting: The state of all rows as they start.

    Returns:
        The state of the rows in the slots, and how many rows have started.
    """
    if not can_change_shapes():
        return state, started
    slots = count_rows(state.done)
    some_wait = started < count_rows(waiting.done)
    remaining = ops.where(some_wait, count_live(state), count_kept(state))
    freed = ops.cast(slots - remaining, "float32")
    is_worthwhile = freed >= FINISHED_SHARE * ops.cast(slots, "float32")

    def free_slots():
        return ops.cond(
            some_wait,
            lambda: refill(state, started, waiting),
            lambda: (drop_finished(state), started),
        )

    return ops.cond(is_worthwhile, free_slots, lambda: (state, started))


def refill(state, started, waiting):
    """Puts the next waiting rows into finished slots; returns as `refill_if_worthwhile`."""
    slots = ops.nonzero(state.done)[0]
    number = ops.minimum(count_rows(slots), count_rows(waiting.done) - started)
    entering = take_rows(waiting, started + ops.arange(number, dtype="int32"))
    return put_rows(state, slots[:number], entering), started + number


def drop_finished(state):
    """Returns the state without finished slots, except those that round up their number."""
    live, done = (ops.nonzero(flags)[0] for flags in (ops.logical_not(state.done), state.done))
    return take_rows(state, ops.concatenate([live, done])[: count_kept(state)])


def count_kept(state):
    """Returns the number of slots that remain once finished ones have been dropped."""
    multiples = (count_live(state) + SLOT_MULTIPLE - 1) // SLOT_MULTIPLE
    return ops.minimum(multiples * SLOT_MULTIPLE, count_rows(state.done))


def count_live(state):
    """Returns the number of rows that are not done."""
    return ops.sum(ops.cast(ops.logical_not(state.done), "int32"))


def count_rows(structure):
    """Returns the size of the first axis, which all tensors of the structure share."""
    return ops.shape(keras.tree.flatten(structure)[0])[0]


def take_rows(structure, rows):
    """Returns the given rows of every tensor."""
    return keras.tree.map_structure(lambda tensor: backend.take_rows(tensor, rows), structure)


def put_rows(structure, rows, values):
    """Returns the structure with the given rows of every tensor replaced by those of `values`."""
    positions = ops.expand_dims(rows, axis=-1)

    def put(tensor, values):
        return ops.scatter_update(tensor, positions, values)

    return keras.tree.map_structure(put, structure, values)


def repeat_rows(structure, number):
    """Repeats every row, with copies next to each other."""
    return keras.tree.map_structure(lambda tensor: ops.repeat(tensor, number, axis=0), structure)


def merge_beams(structure):
    """Turns tensors `(rows, width, ...)` into `(rows * width, ...)`."""

    def merge(tensor):
        return ops.reshape(tensor, (-1, *ops.shape(tensor)[2:]))

    return keras.tree.map_structure(merge, structure)


def split_beams(structure, width):
    """Turns tensors `(rows * width, ...)` into `(rows, width, ...)`."""

    def split(tensor):
        return ops.reshape(tensor, (-1, width, *ops.shape(tensor)[1:]))

    return keras.tree.map_structure(split, structure)


def take_beams(structure, beams):
    """Returns from tensors `(rows, width, ...)` the beams `(rows, n)` of each row."""
    return keras.tree.map_structure(lambda tensor: backend.take_beams(tensor, beams), structure)
