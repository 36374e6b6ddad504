"""Layer normalisation inside of cells."""

from keras import ops

_EPSILON = 1e-5


def normalize(inputs, gain):
    """Returns `inputs` with mean 0 and variance 1 over the last axis, times `gain`.

    Statistics are taken in float32 at least.

    Reference:
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450, equation 4
    """
    dtype = inputs.dtype
    if dtype in ("float16", "bfloat16"):
        inputs = ops.cast(inputs, "float32")
    mean, variance = ops.moments(inputs, axes=-1, keepdims=True)
    normal = (inputs - mean) * ops.rsqrt(variance + _EPSILON)
    return ops.cast(normal, dtype) * ops.cast(gain, dtype)
