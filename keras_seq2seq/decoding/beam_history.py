"""Reading hypotheses from the log of a beam search."""

from keras import ops

from keras_seq2seq.decoding.beam_state import BeamTree
from keras_seq2seq.decoding.constraints import MINUS_INFINITY
from keras_seq2seq.decoding.rows import merge_beams, put_rows, take_beams
from keras_seq2seq.decoding.search import Hypotheses
from keras_seq2seq.special_tokens import END_ID, PADDING_ID


def read_hypotheses(entries, finished):
    """Returns the finished hypotheses.

    Args:
        entries: `BeamEntry` of tensors `(time, batch, width, ...)`.
        finished: `Finished` of tensors `(batch, n_best)`.
    """
    length, batch_size = ops.shape(entries.ids)[:2]
    origins = trace_origins(entries.parents, finished)
    # The beam that a token extends at one step contains the token before it, one step earlier.
    beams = ops.concatenate([origins[1:], ops.zeros_like(origins[:1])], axis=0)

    def read(tensor, beams):
        # (time, batch, width, ...) -> (time * batch, width, ...) -> (time, batch, n_best, ...)
        read = take_beams(merge_beams(tensor), merge_beams(beams))
        read = ops.reshape(read, (length, batch_size, *ops.shape(read)[1:]))
        return batch_and_beams_first(read)

    # (batch, n_best, time)
    time = ops.arange(length, dtype="int32")
    exists = ops.expand_dims(finished.scores > MINUS_INFINITY, axis=-1)
    end_time = ops.expand_dims(finished.lengths, axis=-1)
    is_before_end = ops.logical_and(time < end_time, exists)
    is_end = ops.logical_and(ops.equal(time, end_time), exists)
    end_ids = ops.where(is_end, END_ID, PADDING_ID)
    end_scores = ops.where(is_end, ops.expand_dims(finished.end_scores, axis=-1), 0.0)
    attention_scores = None
    if not isinstance(entries.attention_scores, tuple):
        attention_scores = read(entries.attention_scores, origins)
        is_real = ops.expand_dims(ops.logical_or(is_before_end, is_end), axis=-1)
        attention_scores = ops.where(is_real, attention_scores, 0.0)
    return Hypotheses(
        ids=ops.where(is_before_end, read(entries.ids, beams), end_ids),
        scores=finished.scores,
        token_scores=ops.where(is_before_end, read(entries.token_scores, beams), end_scores),
        attention_scores=attention_scores,
    )


def trace_origins(parents, finished):
    """Follows hypotheses from their ends back to their beginnings.

    Args:
        parents: Integer tensor `(time, batch, width)`.
        finished: `Finished` of tensors `(batch, n_best)`.

    Returns:
        Integers `(time, batch, n_best)`, the beam that each token of a hypothesis extends, the end
        token included.
    """
    length = ops.shape(parents)[0]
    origins = ops.zeros((length, *ops.shape(finished.lengths)), dtype="int32")

    def body(time, beams, origins):
        beams = take_beams(ops.take(parents, time, axis=0), beams)
        beams = ops.where(ops.equal(finished.lengths, time), finished.parents, beams)
        origins = put_rows(origins, ops.reshape(time, (1,)), ops.expand_dims(beams, axis=0))
        return time - 1, beams, origins

    loop_vars = (length - 1, ops.zeros_like(finished.lengths), origins)
    return ops.while_loop(lambda time, *_: time >= 0, body, loop_vars)[2]


def read_tree(entries):
    """Returns the `BeamTree` of a `BeamEntry` of tensors `(time, batch, width)`."""
    parts = (getattr(entries, name) for name in BeamTree._fields)
    return BeamTree(*(ops.swapaxes(part, 0, 1) for part in parts))


def batch_and_beams_first(tensor):
    """Turns `(time, batch, n_best, ...)` into `(batch, n_best, time, ...)`."""
    return ops.moveaxis(tensor, 0, 2)
