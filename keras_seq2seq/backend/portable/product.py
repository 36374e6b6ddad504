"""Products with a matrix that is the same at every step of a loop."""

from keras import ops


def product(features, kernel):
    """Returns the matrix product of features and a kernel, in the dtype of the features.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(..., size, columns)`.
    """
    return ops.matmul(features, ops.cast(kernel, features.dtype))


def affine(features, kernel, bias, dtype):
    """Returns `features kernel + bias`, the product in the dtype of the features.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(size, columns)`.
        bias: Variable or tensor `(columns,)`.
        dtype: The dtype of the sum.
    """
    return ops.cast(product(features, kernel), dtype) + ops.cast(bias, dtype)
