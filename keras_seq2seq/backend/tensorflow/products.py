"""Operations of a single step: matrix products, logits, and rows of tensors."""

import keras
import tensorflow as tf

from keras_seq2seq.backend.portable import BLOCK_SIZE
from keras_seq2seq.backend.tensorflow.tracing import (
    BlockValue,
    as_constants,
    computed_once,
    exporting,
    weights_are_frozen,
)

# A smaller vocabulary gains nothing from blocks.
MIN_COLUMNS_FOR_BLOCKS = 1024

# Only a product with a bias is computed by the operation that reorders constant kernels once. This
# bias is lost in rounding, but unlike a zero TensorFlow does not remove it.
NO_BIAS = 2.0**-120

# The recorder of `scan` that computes the products of the step being traced.
recorder_in_use = BlockValue()


def matmul(features, kernel):
    """Returns the matrix product of features and a kernel, in the dtype of the features.

    It is faster than `ops.matmul`: it takes fewer operations; in a step of `scan`, whose
    constants and weights may be kernels, gradients of kernels are computed after the loop; and
    with `frozen_weights`, kernels that are weights become constants.

    Args:
        features: Tensor `(..., rows, size)`; in a step of `scan`, `(rows, size)` or `(batch, rows,
            size)`.
        kernel: Variable or tensor `(size, columns)`, or `(..., size, columns)` of the same rank as
            the features.
    """
    recorder = recorder_in_use.value
    if recorder is not None and id(kernel) in recorder.indices:
        return recorder.multiply(features, recorder.indices[id(kernel)])
    if isinstance(kernel, keras.Variable):
        result = _by_constants(features, kernel, lambda: _no_bias(kernel, features.dtype))
        if result is not None:
            return result
    kernel = tf.cast(kernel, features.dtype)
    if features.shape.rank == kernel.shape.rank:
        return tf.matmul(features, kernel)
    return from_rows(_multiply_rows(as_rows(features), kernel), features)


def dense(features, kernel, bias, dtype):
    """Returns `features @ kernel + bias`, multiplied in the dtype of the features.

    With `frozen_weights`, it is faster than product and sum.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(size, columns)`.
        bias: Variable or tensor `(columns,)`.
        dtype: The dtype of the sum.
    """
    result = _by_constants(features, kernel, lambda: tf.cast(bias, dtype))
    if result is not None:
        return result
    return tf.cast(matmul(features, kernel), dtype) + tf.cast(bias, dtype)


def _no_bias(kernel, dtype):
    return tf.fill([kernel.shape[-1]], tf.constant(NO_BIAS, dtype))


def _by_constants(features, kernel, make_bias):
    """Returns `features @ kernel + make_bias()`, or `None` where they are not constants."""
    if recorder_in_use.value is not None:
        return None
    constants = as_constants(features.dtype, lambda: (tf.cast(kernel, features.dtype), make_bias()))
    return None if constants is None else multiply_and_add(features, *constants)


def multiply_and_add(features, kernel, bias):
    """Computes `dense` of constants, in the dtype of the bias."""
    # TensorFlow fuses the two, and oneDNN reorders constant kernels once.
    rows = tf.nn.bias_add(tf.matmul(as_rows(features), kernel), tf.cast(bias, kernel.dtype))
    return from_rows(tf.cast(rows, bias.dtype), features)


def as_rows(tensor):
    """Returns a tensor `(..., size)` as a matrix `(rows, size)`."""
    return tf.reshape(tensor, (-1, tensor.shape[-1]))


def from_rows(rows, features):
    """Returns rows `(rows, columns)` computed from features, in the shape of the features."""
    shape = [*features.shape[:-1], rows.shape[-1]]
    # A missing size cannot be inferred for empty tensors.
    if shape.count(None) <= 1 and 0 not in shape:
        return tf.reshape(rows, [-1 if size is None else size for size in shape])
    result = tf.reshape(rows, tf.concat([tf.shape(features)[:-1], shape[-1:]], axis=0))
    result.set_shape(shape)
    return result


def _multiply_rows(rows, kernel):
    has_gradient = not (exporting.value or weights_are_frozen())
    return _multiply_rows_fast(rows, kernel) if has_gradient else tf.matmul(rows, kernel)


@tf.custom_gradient
def _multiply_rows_fast(rows, kernel):
    def gradient(upstream):
        d_rows = tf.matmul(upstream, transpose(kernel))
        return d_rows, tf.matmul(rows, upstream, transpose_a=True)

    return tf.matmul(rows, kernel), gradient


def transpose(matrix):
    """Transposes a matrix in memory.

    TensorFlow would leave the transposition to the product, which then reads the matrix by columns
    and takes longer than both together. It does not do so across a reshape.
    """
    rows, columns = matrix.shape
    return tf.reshape(tf.linalg.matrix_transpose(matrix[tf.newaxis]), (columns, rows))


def make_logits(features, weights, transpose_kernel=False):
    """Returns `features @ kernel + bias`, in a form that makes `smoothed_cross_entropy` cheaper.

    With `frozen_weights` there may be additional columns of minus infinity.

    Args:
        features: Tensor `(..., size)`.
        weights: Function without arguments that returns the kernel, a tensor `(size,
            vocabulary_size)` of the dtype of the features, and the bias, a tensor
            `(vocabulary_size,)` of the dtype of the logits.
        transpose_kernel: Boolean, whether the kernel is `(vocabulary_size, size)` instead, such as
            the table of an embedding.
    """
    fixed = _fixed_in_blocks(features.dtype, weights, transpose_kernel)
    if fixed is not None:
        return multiply_and_add(features, *fixed)
    kernel, bias = weights()
    products = multiply_with_kernel(features, kernel, transpose_kernel)
    logits = tf.cast(products, bias.dtype) + bias
    # As Keras's softmax keeps its logits for the cross-entropy: logits that nothing else reads are
    # then not computed.
    logits._factors = [features], kernel, bias, transpose_kernel
    return logits


def multiply_with_kernel(features, kernel, transpose_kernel=False):
    """Returns the product of features `(..., size)` and a kernel `(size, columns)`.

    TensorFlow fuses it with the sum of a bias, which in bfloat16 takes up to three times as long as
    both, unless the kernel is a constant or the features have three dimensions or more.
    """
    rows = tf.matmul(as_rows(features), kernel, transpose_b=transpose_kernel)
    return from_rows(rows, features)


def _fixed_in_blocks(dtype, weights, transpose_kernel):
    """Returns kernel and bias in blocks with `frozen_weights`, where that is faster, or `None`."""

    def compute():
        kernel, bias = weights()
        return _in_blocks(tf.transpose(kernel) if transpose_kernel else kernel, bias)

    if dtype == tf.float32:
        return computed_once(weights, compute)
    return as_constants(dtype, compute)


def fill_up(rows, multiple):
    """Rounds a number of rows up to a multiple.

    On a CPU, oneDNN compiles and caches code for each number of rows: where that changes all the
    time, a few additional rows cost less.

    Args:
        rows: Integer, or scalar tensor of integers.
        multiple: Integer.
    """
    return (rows + multiple - 1) // multiple * multiple


def _in_blocks(kernel, bias):
    """Pads the columns to whole blocks, as `top_k` would pad the logits."""
    columns = kernel.shape[-1]
    if columns < MIN_COLUMNS_FOR_BLOCKS:
        return kernel, bias
    more = fill_up(columns, BLOCK_SIZE) - columns
    bias = tf.pad(bias, [[0, more]], constant_values=-float("inf"))
    return tf.pad(kernel, [[0, 0], [0, more]]), bias


def take_rows(tensor, rows):
    """Returns the given rows of a tensor, none of them counted from its end."""
    return tf.gather(tensor, rows)


def take_beams(tensor, beams):
    """Returns from a tensor `(rows, width, ...)` the beams `(rows, n)` of each row."""
    return tf.gather(tensor, beams, batch_dims=1)
