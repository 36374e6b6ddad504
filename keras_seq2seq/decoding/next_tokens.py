"""The tokens that may come next, and their log-probabilities."""

from keras import ops

from keras_seq2seq.decoding.rows import take_beams
from keras_seq2seq.decoding.top_k import top_k
from keras_seq2seq.special_tokens import END_ID, PADDING_ID

MINUS_INFINITY = -float("inf")


def best_tokens(logits, count, banned_ids, rules):
    """Returns the `count` likeliest tokens that may follow each row, likeliest first.

    Goes through the vocabulary twice only: for the largest logits, and for their normalizer.
    Banned tokens are few and the same for all, so as many more of the largest are taken, and the
    banned ones struck out.

    Args:
        logits: Float tensor `(rows, vocabulary_size)`, or with some columns more, of minus
            infinity.
        count: Integer.
        banned_ids: Tuple of integers.
        rules: `Rules` of the rows.

    Returns:
        The ids and their log-probabilities, both `(rows, count)`, or `(rows, vocabulary_size)`
        if that is less. Where fewer tokens may follow, the rest are padding and have minus
        infinity.
    """
    logits = ops.cast(logits, "float32")
    vocabulary_size = logits.shape[-1]
    # One more for the end token, which a row that is too short must not take.
    spacious = min(count + len(banned_ids) + 1, vocabulary_size)
    values, ids = top_k(logits, spacious)
    normalizer = log_normalizer(logits, ids[:, :1])
    if not isinstance(rules.repeated, tuple):
        values, ids = top_k(rule_out(logits, rules.repeated), spacious)
    values = ops.where(is_banned(ids, banned_ids, rules.too_short), MINUS_INFINITY, values)
    values, order = ops.top_k(values, min(count, vocabulary_size))
    # What may not follow may be beyond the vocabulary.
    ids = ops.where(values > MINUS_INFINITY, take_beams(ids, order), PADDING_ID)

    forced, is_forced = forced_tokens(rules.forced, values[:, :1])
    is_first = ops.equal(ops.arange(ids.shape[-1]), 0)
    ids = ops.where(ops.logical_and(is_forced, is_first), forced, ids)
    alone = ops.where(is_first, take_beams(logits, forced), MINUS_INFINITY)
    values = ops.where(is_forced, alone, values)
    # Rounding may lift a log-probability above zero, which no bound on future scores expects.
    return ids, ops.minimum(values - normalizer, 0.0)


def all_tokens(logits, banned_ids, rules):
    """Returns the log-probabilities of all tokens `(rows, vocabulary_size)`.

    Those that may not follow have minus infinity.
    """
    log_probabilities = ops.log_softmax(ops.cast(logits, "float32"))
    ids = ops.expand_dims(ops.arange(logits.shape[-1], dtype="int32"), axis=0)
    banned = is_banned(ids, banned_ids, rules.too_short)
    allowed = ops.where(banned, MINUS_INFINITY, log_probabilities)
    if not isinstance(rules.repeated, tuple):
        allowed = rule_out(allowed, rules.repeated)
    forced, is_forced = forced_tokens(rules.forced, ops.max(allowed, axis=-1, keepdims=True))
    alone = ops.where(ops.equal(ids, forced), log_probabilities, MINUS_INFINITY)
    return ops.where(is_forced, alone, allowed)


def log_normalizer(logits, likeliest_ids):
    """Returns the log-sum-exp of each row, `(rows, 1)`, given the likeliest ids, `(rows, 1)`.

    On a CPU softmax takes less than half the time of `ops.logsumexp`.
    """
    probabilities = take_beams(ops.softmax(logits), likeliest_ids)
    return take_beams(logits, likeliest_ids) - ops.log(probabilities)


def is_banned(ids, banned_ids, too_short):
    """Returns where ids `(rows, n)` are banned, or the end of a row that is too short."""
    # (rows, n, 1) against (banned,)
    banned = ops.equal(ops.expand_dims(ids, axis=-1), ops.convert_to_tensor(banned_ids, "int32"))
    ends_early = ops.logical_and(ops.equal(ids, END_ID), ops.expand_dims(too_short, axis=-1))
    return ops.logical_or(ops.any(banned, axis=-1), ends_early)


def rule_out(logits, ids):
    """Returns logits with minus infinity for the ids `(rows, n)` of each row."""
    rows, number = ops.shape(ids)
    row = ops.repeat(ops.arange(rows, dtype="int32"), number)
    # (rows, n) -> (rows * n, 2)
    positions = ops.stack([row, ops.reshape(ids, (-1,))], axis=-1)
    values = ops.full((rows * number,), MINUS_INFINITY, dtype=logits.dtype)
    return ops.scatter_update(logits, positions, values)


def forced_tokens(forced, largest):
    """Returns the forced tokens `(rows, 1)` and which rows have one.

    A row that nothing may follow, so that the `largest` of its values `(rows, 1)` is minus
    infinity, is forced to end.
    """
    forced = ops.expand_dims(forced, axis=-1)
    is_free = ops.equal(forced, PADDING_ID)
    is_stuck = ops.logical_and(is_free, ops.equal(largest, MINUS_INFINITY))
    forced = ops.where(is_stuck, END_ID, forced)
    return forced, ops.not_equal(forced, PADDING_ID)
