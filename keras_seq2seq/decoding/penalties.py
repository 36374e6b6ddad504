"""What a hypothesis' log-probability is corrected by before it is compared with others."""

from keras import ops

# A position without any attention would make a score infinite.
LEAST_COVERAGE = 1e-10


def length_penalty(length, weight):
    """Returns `((5 + length) / 6) ** weight`, which log-probabilities are divided by.

    Args:
        length: Integer tensor, the number of tokens, the end token included.
        weight: Float, at least 0. 0 favours short hypotheses, 1 compares means, roughly.

    Reference:
        - Wu et al., 2016, https://arxiv.org/abs/1609.08144, equation 14
    """
    return ((5.0 + ops.cast(length, "float32")) / 6.0) ** weight


def coverage_penalty(coverage, source_lengths, weight):
    """Returns `weight * sum(log(min(coverage, 1)))`, added to a score; at most 0.

    Args:
        coverage: Float tensor `(batch, width, source_length)`, the attention that each source
            position has had, summed over the target's tokens, the end token included.
        source_lengths: Integer tensor `(batch,)`. Positions from there on do not count.
        weight: Float, at least 0.

    Reference:
        - Wu et al., 2016, https://arxiv.org/abs/1609.08144, equation 14
    """
    logs = ops.log(ops.clip(coverage, LEAST_COVERAGE, 1.0))
    # (batch, 1, source_length)
    is_real = ops.arange(ops.shape(coverage)[-1]) < source_lengths[:, None, None]
    return weight * ops.sum(ops.where(is_real, logs, 0.0), axis=-1)
