"""Which tokens may come next: lengths, banned tokens, repeated n-grams and prefixes."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_seq2seq.backend import BLOCK_SIZE, take_beams
from keras_seq2seq.errors import check_integer, check_not_negative
from keras_seq2seq.special_tokens import END_ID, EXTRA_LENGTH, PADDING_ID, START_ID


class Limits(NamedTuple):
    """The length limits and the prefix of each sentence.

    Attributes:
        shortest: Integers `(batch,)`, the minimum number of tokens, the end token included.
        longest: Integers `(batch,)`, the maximum number of tokens, the end token included.
        prefix: Integers `(batch, prefix_length + 1)`, the tokens to begin with, then zeros.
    """

    shortest: Any
    longest: Any
    prefix: Any


class Rules(NamedTuple):
    """Which tokens each row may continue with.

    Attributes:
        forced: Integers `(rows,)`, the only token that may follow, or 0 for a free choice.
        too_short: Booleans `(rows,)`, whether the end token may not follow.
        repeated: Integers `(rows, n)`, tokens that may not follow, padded with 0; or `()`.
    """

    forced: Any
    too_short: Any
    repeated: Any


class Constraints:
    """Constraints on lengths, banned tokens, repeated n-grams and prefixes.

    A forced token, from the prefix or the end token at the maximum length, takes precedence over
    all other constraints. A hypothesis that no token may follow ends, however short it is.

    Args:
        max_length: Integer, the maximum number of tokens, the end token included.
        max_length_ratio: Float or `None`. A hypothesis may have this many tokens per source token,
            plus 10, within `max_length`.
        min_length: Integer, the minimum number of tokens, the end token included.
        min_length_ratio: Float, the minimum number of tokens per source token.
        banned_ids: Integers, tokens that may not occur. The padding and start tokens are always
            banned.
        no_repeat_ngram_size: Integer, the length of the n-grams that may occur only once; 0 for no
            limit.
    """

    def __init__(
        self,
        max_length=100,
        max_length_ratio=None,
        min_length=0,
        min_length_ratio=0.0,
        banned_ids=(),
        no_repeat_ngram_size=0,
    ):
        max_length = check_integer("max_length", max_length, 1)
        min_length = check_integer("min_length", min_length, 0)
        no_repeat_ngram_size = check_integer("no_repeat_ngram_size", no_repeat_ngram_size, 0)
        banned_ids = tuple(
            check_integer(f"banned_ids[{index}]", banned, 0)
            for index, banned in enumerate(banned_ids)
        )
        check_not_negative("max_length_ratio", max_length_ratio or 0)
        check_not_negative("min_length_ratio", min_length_ratio)
        if END_ID in banned_ids:
            raise ValueError(
                f"`banned_ids` must not hold the end token {END_ID}, or no hypothesis could end. "
                f"Received: banned_ids={banned_ids}"
            )
        self.max_length = max_length
        self.max_length_ratio = max_length_ratio
        self.min_length = min_length
        self.min_length_ratio = min_length_ratio
        self.banned_ids = tuple(sorted({PADDING_ID, START_ID, *banned_ids}))
        self.no_repeat_ngram_size = no_repeat_ngram_size

    def get_config(self):
        """Returns the arguments."""
        return {**vars(self), "banned_ids": list(self.banned_ids)}

    def limits(self, batch_size, source_lengths, prefix, max_length):
        """Returns the `Limits` of a batch.

        Args:
            batch_size: Integer or scalar tensor.
            source_lengths: Integer tensor `(batch,)`, or `None` if no ratio was given.
            prefix: Integer tensor `(batch, prefix_length)` padded with 0 on the right, or `None`.
            max_length: Integer or scalar tensor.
        """
        shortest = ops.full((batch_size,), self.min_length, dtype="int32")
        longest = ops.zeros((batch_size,), dtype="int32") + max_length
        if source_lengths is None and (self.max_length_ratio or self.min_length_ratio):
            raise ValueError("Limits relative to the source's length need `source_lengths`.")
        if self.max_length_ratio:
            relative = _scale(self.max_length_ratio, source_lengths) + EXTRA_LENGTH
            longest = ops.minimum(longest, relative)
        if self.min_length_ratio:
            shortest = ops.maximum(shortest, _scale(self.min_length_ratio, source_lengths))
        if prefix is None:
            prefix = ops.zeros((batch_size, 0), dtype="int32")
        prefix = ops.pad(ops.cast(prefix, "int32"), [[0, 0], [0, 1]])
        return Limits(shortest, longest, prefix)

    def start_history(self, shape, max_length):
        """Returns an empty history of tokens, `(*shape, max_length + n)`, or `()` if not needed."""
        if not self.no_repeat_ngram_size:
            return ()
        return ops.zeros((*shape, max_length + self.no_repeat_ngram_size), dtype="int32")

    def rules(self, lengths, limits, history):
        """Returns the `Rules` for the next token of each row.

        Args:
            lengths: Integers `(rows,)`, how many tokens each has.
            limits: `Limits` of the rows.
            history: Their tokens, as written by `append_to_history`.
        """
        past_prefix = ops.shape(limits.prefix)[1] - 1
        place = ops.expand_dims(ops.minimum(lengths, past_prefix), axis=-1)
        forced = take_beams(limits.prefix, place)[:, 0]
        forced = ops.where(lengths + 1 >= limits.longest, END_ID, forced)
        repeated = ()
        if self.no_repeat_ngram_size:
            repeated = repeated_ngram_ends(history, lengths, self.no_repeat_ngram_size)
        return Rules(forced, lengths + 1 < limits.shortest, repeated)


def append_to_history(history, lengths, ids):
    """Writes tokens `(...)` at their positions `lengths` of a history `(..., length)`.

    A history that is not needed is `()` and stays `()`.
    """
    if isinstance(history, tuple):
        return history
    is_now = ops.equal(
        ops.arange(ops.shape(history)[-1], dtype="int32"), ops.expand_dims(lengths, axis=-1)
    )
    return ops.where(is_now, ops.expand_dims(ids, axis=-1), history)


def repeated_ngram_ends(history, lengths, size):
    """Returns the tokens that would make an n-gram occur again.

    Args:
        history: Integer tensor `(rows, length)`.
        lengths: Integers `(rows,)`, the number of tokens of each row.
        size: Integer, the n-grams' length.

    Returns:
        Integers `(rows, length - size + 1)`, padded with 0.
    """
    starts = ops.shape(history)[1] - size + 1
    lengths = ops.expand_dims(lengths, axis=-1)
    # An n-gram that starts at `s` ends at `s + size - 1`, which must be in the past.
    repeats = ops.arange(starts, dtype="int32") + size - 1 < lengths
    begin = ops.maximum(lengths - size + 1, 0)  # of the n-gram that the next token would end
    for offset in range(size - 1):
        same = ops.equal(history[:, offset : offset + starts], take_beams(history, begin + offset))
        repeats = ops.logical_and(repeats, same)
    return ops.where(repeats, history[:, size - 1 :], PADDING_ID)


def _scale(ratio, source_lengths):
    scaled = ops.ceil(ratio * ops.cast(source_lengths, "float32"))
    # Above every possible length, and few enough that more can be added to it as an int32.
    return ops.cast(ops.minimum(scaled, 2.0**30), "int32")


MINUS_INFINITY = -float("inf")


def best_tokens(logits, count, banned_ids, rules):
    """Returns the `count` likeliest tokens that may follow each row, likeliest first.

    The vocabulary is read only twice: for the largest logits and for their normalizer. Banned
    tokens are few and the same for all rows, so the largest logits are searched for as many more
    tokens, from which the banned ones are removed.

    Args:
        logits: Float tensor `(rows, vocabulary_size)`, possibly with additional columns of minus
            infinity.
        count: Integer.
        banned_ids: Tuple of integers.
        rules: `Rules` of the rows.

    Returns:
        The ids and their log-probabilities, both `(rows, count)`, or `(rows, vocabulary_size)`
        if that is less. Where fewer tokens may follow, the rest are padding with minus
        infinity.
    """
    logits = ops.cast(logits, "float32")
    vocabulary_size = logits.shape[-1]
    # One more for the end token, which is not allowed in a row that is too short.
    searched = min(count + len(banned_ids) + 1, vocabulary_size)
    values, ids = top_k(logits, searched)
    normalizer = log_normalizer(logits, ids[:, :1])
    if not isinstance(rules.repeated, tuple):
        values, ids = top_k(exclude(logits, rules.repeated), searched)
    values = ops.where(is_banned(ids, banned_ids, rules.too_short), MINUS_INFINITY, values)
    values, order = ops.top_k(values, min(count, vocabulary_size))
    # Ids that may not follow may lie beyond the vocabulary.
    ids = ops.where(values > MINUS_INFINITY, take_beams(ids, order), PADDING_ID)

    forced, is_forced = forced_tokens(rules.forced, values[:, :1])
    is_first = ops.equal(ops.arange(ids.shape[-1], dtype="int32"), 0)
    ids = ops.where(ops.logical_and(is_forced, is_first), forced, ids)
    alone = ops.where(is_first, take_beams(logits, forced), MINUS_INFINITY)
    values = ops.where(is_forced, alone, values)
    # Rounding may raise a log-probability above zero, which would break bounds on future scores.
    return ids, ops.minimum(values - normalizer, 0.0)


def all_tokens(logits, banned_ids, rules):
    """Returns the log-probabilities of all tokens `(rows, vocabulary_size)`.

    Tokens that may not follow have minus infinity.
    """
    log_probabilities = ops.log_softmax(ops.cast(logits, "float32"))
    ids = ops.expand_dims(ops.arange(logits.shape[-1], dtype="int32"), axis=0)
    banned = is_banned(ids, banned_ids, rules.too_short)
    allowed = ops.where(banned, MINUS_INFINITY, log_probabilities)
    if not isinstance(rules.repeated, tuple):
        allowed = exclude(allowed, rules.repeated)
    forced, is_forced = forced_tokens(rules.forced, ops.max(allowed, axis=-1, keepdims=True))
    alone = ops.where(ops.equal(ids, forced), log_probabilities, MINUS_INFINITY)
    return ops.where(is_forced, alone, allowed)


def log_normalizer(logits, likeliest_ids):
    """Returns the log-sum-exp of each row, `(rows, 1)`, given the likeliest ids, `(rows, 1)`.

    On a CPU, softmax takes less than half the time of `ops.logsumexp`.
    """
    probabilities = take_beams(ops.softmax(logits), likeliest_ids)
    return take_beams(logits, likeliest_ids) - ops.log(probabilities)


def is_banned(ids, banned_ids, too_short):
    """Returns where ids `(rows, n)` are banned, or the end of a row that is too short."""
    table = np.zeros(max(banned_ids) + 2, "int32")
    table[list(banned_ids)] = 1
    # All ids above the last banned one share the last entry.
    banned = ops.take(ops.convert_to_tensor(table), ops.minimum(ids, len(table) - 1), axis=0)
    ends_early = ops.logical_and(ops.equal(ids, END_ID), ops.expand_dims(too_short, axis=-1))
    return ops.logical_or(ops.equal(banned, 1), ends_early)


def exclude(logits, ids):
    """Returns logits with minus infinity for the ids `(rows, n)` of each row."""
    rows, number = ops.shape(ids)
    row = ops.repeat(ops.arange(rows, dtype="int32"), number)
    # (rows, n) -> (rows * n, 2)
    positions = ops.stack([row, ops.reshape(ids, (-1,))], axis=-1)
    values = ops.full((rows * number,), MINUS_INFINITY, dtype=logits.dtype)
    return ops.scatter_update(logits, positions, values)


def forced_tokens(forced, largest):
    """Returns the forced tokens `(rows, 1)` and which rows have one.

    A row that no token may follow, whose `largest` value `(rows, 1)` is minus infinity, is forced
    to end.
    """
    forced = ops.expand_dims(forced, axis=-1)
    is_free = ops.equal(forced, PADDING_ID)
    is_stuck = ops.logical_and(is_free, ops.equal(largest, MINUS_INFINITY))
    forced = ops.where(is_stuck, END_ID, forced)
    return forced, ops.not_equal(forced, PADDING_ID)


def top_k(scores, k):
    """Returns the `k` largest scores of each row and their positions, as `ops.top_k` does.

    For long rows on a CPU it takes a third of the time of `ops.top_k`: only the `k` blocks with the
    largest maxima can contain one of the `k` largest scores, and maxima are fast to compute. Of
    equal scores, the first is taken.

    Args:
        scores: Float tensor `(rows, size)`.
        k: Integer, at most `size`.
    """
    size = scores.shape[-1]
    if size < 4 * k * BLOCK_SIZE:
        return ops.top_k(scores, k)
    # Blocks that fill the rows need no copy of them.
    divisors = [number for number in range(BLOCK_SIZE // 4, BLOCK_SIZE + 1) if size % number == 0]
    block_size = max(divisors, default=BLOCK_SIZE)
    if size % block_size:
        padding = [[0, 0], [0, -size % block_size]]
        scores = ops.pad(scores, padding, constant_values=MINUS_INFINITY)
    # (rows, size) -> (rows, blocks, block_size)
    blocks = ops.reshape(scores, (-1, scores.shape[-1] // block_size, block_size))
    _, best_blocks = ops.top_k(ops.max(blocks, axis=-1), k)
    # Sorted, so that the first of equal scores still comes first.
    best_blocks = ops.sort(best_blocks, axis=-1)
    # (rows, k, block_size) -> (rows, k * block_size)
    candidates = ops.reshape(take_beams(blocks, best_blocks), (-1, k * block_size))
    values, positions = ops.top_k(candidates, k)
    block = take_beams(best_blocks, positions // block_size)
    return values, block * block_size + positions % block_size
