"""Products with a matrix that is the same at every step of a loop."""

from keras import ops


def product(features, kernel):
    """Returns the matrix product of features and a kernel, in the dtype of the features.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(..., size, columns)`.
    """
    return matmul(features, ops.cast(kernel, features.dtype))


def matmul(features, kernel):
    """Returns the matrix product of two tensors.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Tensor `(size, columns)`, or `(..., size, columns)` of the rank of the features.
    """
    return ops.matmul(features, kernel)


def affine(features, kernel, bias, dtype):
    """Returns `features kernel + bias`, the product in the dtype of the features.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(size, columns)`.
        bias: Variable or tensor `(columns,)`.
        dtype: The dtype of the sum.
    """
    return ops.cast(product(features, kernel), dtype) + ops.cast(bias, dtype)
