"""The largest of many scores."""

from keras import ops

from keras_seq2seq.backend.fill_up import BLOCK_SIZE
from keras_seq2seq.decoding.rows import take_beams


def top_k(scores, k):
    """Returns the `k` largest scores of each row and their positions, as `ops.top_k` does.

    Takes a third of its time for long rows on a CPU: only the `k` blocks with the largest maxima
    can hold one of the `k` largest scores, and a maximum is quickly found. Of equal scores the
    first is taken.

    Args:
        scores: Float tensor `(rows, size)`.
        k: Integer, at most `size`.
    """
    size = scores.shape[-1]
    if size < 4 * k * BLOCK_SIZE:
        return ops.top_k(scores, k)
    if size % BLOCK_SIZE:
        padding = [[0, 0], [0, -size % BLOCK_SIZE]]
        scores = ops.pad(scores, padding, constant_values=-float("inf"))
    # (rows, size) -> (rows, blocks, BLOCK_SIZE)
    blocks = ops.reshape(scores, (-1, scores.shape[-1] // BLOCK_SIZE, BLOCK_SIZE))
    _, best_blocks = ops.top_k(ops.max(blocks, axis=-1), k)
    # In their order, so that the first of equal scores still comes first.
    best_blocks = ops.sort(best_blocks, axis=-1)
    # (rows, k, BLOCK_SIZE) -> (rows, k * BLOCK_SIZE)
    candidates = ops.reshape(take_beams(blocks, best_blocks), (-1, k * BLOCK_SIZE))
    values, positions = ops.top_k(candidates, k)
    block = take_beams(best_blocks, positions // BLOCK_SIZE)
    return values, block * BLOCK_SIZE + positions % BLOCK_SIZE
