"""Layer normalisation inside of cells."""

from keras import ops

_EPSILON = 1e-5


def normalize(inputs, gain):
    """Returns `inputs` with mean 0 and variance 1 over the last axis, times `gain`.

    Reference:
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450, equation 4
    """
    mean, variance = ops.moments(inputs, axes=-1, keepdims=True)
    return (inputs - mean) * ops.rsqrt(variance + _EPSILON) * gain
