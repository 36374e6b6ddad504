"""Matrix products, in and outside loops over time, and the selection of rows and beams."""

from contextlib import AbstractContextManager

import keras
import tensorflow as tf

from keras_seq2seq.backend.tensorflow.constants import BlockValue, as_constants

# Only a product with a bias is computed by the operation that reorders constant kernels once. This
# bias is lost in rounding, but unlike a zero TensorFlow does not remove it.
NO_BIAS = 2.0**-120

_recorder = BlockValue()


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
    recorder = _recorder.value
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
    if _recorder.value is not None:
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
    size = rows.shape[-1]
    shape = tf.concat([tf.shape(features)[:-1], [size]], axis=0)
    return tf.ensure_shape(tf.reshape(rows, shape), [*features.shape[:-1], size])


@tf.custom_gradient
def _multiply_rows(rows, kernel):
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


def products_by(recorder: "Recording | Replay") -> AbstractContextManager[None]:
    """Lets a recorder compute the products in the block."""
    return _recorder.set_to(recorder)


class Recording:
    """Computes the products of a step, and keeps their operands and results.

    Args:
        kernels: The constants and weights, as the step refers to them.
        tensors: Their values as tensors, or the `tensors` of a recording of the same step.

    Attributes:
        tensors: The tensors; kernels of products are cast to the dtype of the features.
        used: The index of the kernel of each product.
        features: The features of each product.
        results: The products.
    """

    def __init__(self, kernels, tensors):
        self.indices = {id(kernel): place for place, kernel in enumerate(kernels)}
        self.tensors = list(tensors)
        self.used, self.features, self.results = [], [], []

    def multiply(self, features, place):
        self.tensors[place] = tf.cast(self.tensors[place], features.dtype)
        result = tf.matmul(features, self.tensors[place])
        self.used.append(place)
        self.features.append(features)
        self.results.append(result)
        return result


class Replay:
    """Returns the products that a `Recording` of the same step kept, and collects their gradients.

    No gradient flows to the kernels: it is computed from the features and gradients of all steps.

    Args:
        kernels: The constants and weights, as the step refers to them.
        results: The products, in the order of the step.
        transposed: The kernel of each product, transposed.

    Attributes:
        gradients: The gradient of each product that has one, by its number, once a tape has
            computed gradients.
    """

    def __init__(self, kernels, results, transposed):
        self.indices = {id(kernel): place for place, kernel in enumerate(kernels)}
        self._products = iter(enumerate(zip(results, transposed, strict=True)))
        self.gradients = {}

    def multiply(self, features, place):
        number, (result, transposed) = next(self._products)

        @tf.custom_gradient
        def replay(features):
            def gradient(upstream):
                self.gradients[number] = upstream
                return tf.matmul(upstream, transposed)

            return tf.identity(result), gradient

        return replay(features)


def kernel_gradient(features, gradients):
    """Returns the gradient of a kernel from all its products, `(time, ..., rows, size)` each."""
    if features.shape.rank == 3:
        features = tf.reshape(features, (-1, features.shape[-1]))
        gradients = tf.reshape(gradients, (-1, gradients.shape[-1]))
        return tf.matmul(features, gradients, transpose_a=True)
    return tf.einsum("tbrs,tbrc->bsc", features, gradients)


def take_rows(tensor, rows):
    """Returns the given rows of a tensor, none of them counted from its end."""
    return tf.gather(tensor, rows)


def take_beams(tensor, beams):
    """Returns from a tensor `(rows, width, ...)` the beams `(rows, n)` of each row."""
    return tf.gather(tensor, beams, batch_dims=1)
