"""Operations of a single step: matrix products, logits, rows of tensors, and the log of a search.

With `frozen_weights`, what depends on weights alone is computed once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import tensorflow as tf

from keras_seq2seq.backend import portable
from keras_seq2seq.backend.portable import BLOCK_SIZE


class BlockValue(threading.local):
    """A thread-local value that is set within a block, and `None` outside.

    Example:
        >>> recorder = BlockValue()
        >>> with recorder.set_to("a"):
        ...     recorder.value
        'a'
    """

    value: Any = None

    @contextmanager
    def set_to(self, value: Any) -> Iterator[None]:
        """Sets the value within the block, and restores the previous one afterwards."""
        before, self.value = self.value, value
        try:
            yield
        finally:
            self.value = before


# Whether custom gradients are forbidden in the graph that is being traced.
exporting = BlockValue()

_keeps_shapes = BlockValue()


@contextmanager
def portable_graph(keeps_shapes: bool = True) -> Iterator[None]:
    """Restricts the graph that is traced in the block to operations without custom gradients.

    Args:
        keeps_shapes: Whether the graph also must not contain lists of tensors, and its tensors
            keep their shapes in loops, as LiteRT requires.
    """
    with exporting.set_to(True), _keeps_shapes.set_to(keeps_shapes):
        yield


def can_change_shapes() -> bool:
    """Returns whether a tensor may change its shape within a loop."""
    return not _keeps_shapes.value


# A graph has at most 2 GB and may contain each constant several times.
MAX_BYTES = 2**28

# A smaller vocabulary gains nothing from blocks.
MIN_COLUMNS_FOR_BLOCKS = 1024

# A larger table takes too long to compute if only one line is to be translated.
MAX_TABLE_BYTES = 2**26


class _Precomputed:
    """Values that have been computed for a graph.

    Attributes:
        free_bytes: The bytes that are left for constants.
        results: The computed values by key.
    """

    def __init__(self):
        self.free_bytes = MAX_BYTES
        self.results = {}


_precomputed = BlockValue()


def frozen_weights() -> AbstractContextManager[None]:
    """Computes what depends on weights alone once for the graph that is traced in the block.

    oneDNN reorders a kernel for every product, but a constant kernel only once. In bfloat16,
    reordering takes as long as the product itself if there are few rows.
    """
    return _precomputed.set_to(_Precomputed())


def weights_are_frozen() -> bool:
    """Returns whether a graph is being traced in a block of `frozen_weights`.

    Such a graph should not have custom gradients, which it does not need: TensorFlow keeps them
    until the process ends, and with them the constants of the graph.
    """
    return _precomputed.value is not None


def as_constants(dtype: tf.DType, compute: Callable) -> list[tf.Tensor] | None:
    """Returns the results of a function as constants, if that makes a product faster.

    They are computed outside the graph, from the current values of the weights.

    Args:
        dtype: The dtype of the product.
        compute: Function without arguments, whose result depends on weights alone.

    Returns:
        `None` outside `frozen_weights`; in float32, where products gain almost nothing and the
        graph starts more slowly; or if the constants would be too large.
    """
    precomputed = _precomputed.value
    if precomputed is None or dtype.size >= tf.float32.size:
        return None
    with tf.init_scope():
        values = [tensor.numpy() for tensor in compute()]
    size = sum(value.nbytes for value in values)
    if size > precomputed.free_bytes:
        return None
    precomputed.free_bytes -= size
    return [tf.constant(value) for value in values]


def computed_once(key, compute):
    """Returns the result of a function, computed outside the graph.

    It is computed once for all calls with the same key in a block of `frozen_weights`.

    Args:
        key: A hashable object that identifies the result, such as a method.
        compute: Function without arguments, whose result depends on weights alone.

    Returns:
        `None` outside `frozen_weights`.
    """
    precomputed = _precomputed.value
    if precomputed is None:
        return None
    if key not in precomputed.results:
        with tf.init_scope(), _precomputed.set_to(None):
            precomputed.results[key] = compute()
    return precomputed.results[key]


def lookup_or_compute(function, ids, count):
    """Returns `function(ids)`, with `frozen_weights` from a table of its results for all ids.

    Args:
        function: Function of integers `(...)` that returns a nested structure of tensors `(...,
            size)`, which depends only on them and on weights. It must be equal to itself at the
            next call, as a method is.
        ids: Integer tensor `(...)`, below `count`.
        count: Integer.
    """
    table = computed_once(function, lambda: _make_table(function, count))
    if table is None:
        return function(ids)
    return keras.tree.map_structure(lambda rows: tf.gather(rows, ids), table)


def _make_table(function, count):
    row = keras.tree.flatten(function(tf.zeros((1,), "int32")))
    if count * sum(part.shape[-1] * part.dtype.size for part in row) > MAX_TABLE_BYTES:
        return None
    return function(tf.range(count))


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


def make_logits(features, weights):
    """Returns `features @ kernel + bias`, in a form that makes `smoothed_cross_entropy` cheaper.

    With `frozen_weights` there may be additional columns of minus infinity.

    Args:
        features: Tensor `(..., size)`.
        weights: Function without arguments that returns the kernel, a tensor `(size,
            vocabulary_size)` of the dtype of the features, and the bias, a tensor
            `(vocabulary_size,)` of the dtype of the logits.
    """
    fixed = _fixed_in_blocks(features.dtype, weights)
    if fixed is not None:
        return multiply_and_add(features, *fixed)
    kernel, bias = weights()
    logits = tf.cast(multiply_with_kernel(features, kernel), bias.dtype) + bias
    # As Keras's softmax keeps its logits for the cross-entropy: logits that nothing else reads are
    # then not computed.
    logits._factors = [features], kernel, bias
    return logits


def multiply_with_kernel(features, kernel):
    """Returns the product of features `(..., size)` and a kernel `(size, columns)`."""
    # The bias is added after this reshape: TensorFlow would fuse product and sum, which in bfloat16
    # takes twice the time of both unless the kernel is a constant.
    return from_rows(tf.matmul(as_rows(features), kernel), features)


def _fixed_in_blocks(dtype, weights):
    """Returns kernel and bias in blocks with `frozen_weights`, where that is faster, or `None`."""

    def compute():
        return _in_blocks(*weights())

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


def make_step_log(entry, length):
    """Returns the `StepLog` that fits the graph that is being traced."""
    return (StepLog if can_change_shapes() else FixedStepLog)(entry, length)


class FixedStepLog(portable.StepLog):
    """The log of `portable.StepLog`, of entries that always contain all rows.

    LiteRT plans the memory of a loop once, unless it contains operations such as `scatter_update`
    that determine the shape of their result when they run.
    """

    def write(self, written, entry, positions, rows):
        is_now = tf.equal(tf.range(self._length)[:, tf.newaxis], positions)

        def put(tensor, values):
            shape = [-1, is_now.shape[1], *[1] * (values.shape.rank - 1)]
            return tf.where(tf.reshape(is_now, shape), values, tensor)

        return keras.tree.map_structure(put, written, entry)


class StepLog:
    """The log of `portable.StepLog`, which appends entries to a list and orders them at the end.

    TensorFlow copies a tensor that is written to: everything written so far, at each step.
    """

    def __init__(self, entry, length):
        self._entry = entry

    def empty(self):
        indices = tf.zeros((0, 2), tf.int32)
        return keras.tree.map_structure(_empty_list, (self._entry, indices))

    def write(self, written, entry, positions, rows):
        indices = tf.stack([positions, rows], axis=-1)
        return keras.tree.map_structure(_append, written, (entry, indices))

    def read(self, written, length):
        entries, indices = written
        rows = tf.shape(keras.tree.flatten(self._entry)[0])[0]
        indices = _join(indices, tf.zeros((0, 2), tf.int32))
        kept = tf.where(indices[:, 0] < length)[:, 0]
        indices = tf.gather(indices, kept)

        def put(values, like):
            values = tf.gather(_join(values, like), kept)
            shape = tf.concat([[length, rows], tf.shape(values)[1:]], axis=0)
            # Only rows that are done are written twice at a position; either entry will do.
            tensor = tf.tensor_scatter_nd_update(tf.zeros(shape, values.dtype), indices, values)
            return tf.ensure_shape(tensor, [None, None, *like.shape[1:]])

        return keras.tree.map_structure(put, entries, self._entry)


def _empty_list(like):
    return tf.raw_ops.EmptyTensorList(
        element_shape=_element_shape(like), max_num_elements=-1, element_dtype=like.dtype
    )


def _append(written, tensor):
    return tf.raw_ops.TensorListPushBack(input_handle=written, tensor=tensor)


def _join(written, like):
    return tf.raw_ops.TensorListConcatV2(
        input_handle=written,
        element_dtype=like.dtype,
        element_shape=_element_shape(like),
        leading_dims=tf.zeros((0,), tf.int64),
    )[0]


def _element_shape(like):
    return [-1, *(-1 if size is None else size for size in like.shape[1:])]
