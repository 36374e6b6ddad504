"""The implementation for every backend of Keras, written in `keras.ops`."""

from contextlib import nullcontext

import keras
import numpy as np
from keras import ops

from keras_seq2seq.special_tokens import PADDING_ID


@keras.saving.register_keras_serializable("keras_seq2seq")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, so that scripts and saved models work on every backend.

    Only TensorFlow has a fused kernel.
    """


def sum_duplicate_rows(gradient):
    """Returns a gradient in which each row occurs once: here all gradients are dense."""
    return gradient


def scan(step, states, inputs, keep, constants=(), weights=(), go_backwards=False):
    """Runs `states = step(inputs[t], states, constants)` over the leading axis, time, of inputs.

    Args:
        step: Function of one time step of the inputs, `(batch, ...)`, the states and the
            constants, returning the new states.
        states: Nested structure of tensors `(batch, ...)`, the states before the first step.
        inputs: List of tensors `(time, batch, ...)`.
        keep: Function of the states, returning the nested structure of those to return for every
            step.
        constants: Nested structure of tensors.
        weights: List of the variables that the step reads. Not used by this implementation.
        go_backwards: Boolean, whether to start with the last time step.

    Returns:
        The states after the last step, and the kept ones after each step, `(time, batch, ...)`,
        aligned with the inputs.
    """

    def body(states, inputs):
        states = step(inputs, states, constants)
        return states, keep(states)

    return ops.scan(body, states, inputs, reverse=go_backwards)


def matmul(features, kernel):
    """Returns the matrix product of features and a kernel, in the dtype of the features.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(size, columns)`, or `(..., size, columns)` of the same rank as
            the features.
    """
    return ops.matmul(features, ops.cast(kernel, features.dtype))


def dense(features, kernel, bias, dtype):
    """Returns `features @ kernel + bias`, multiplied in the dtype of the features.

    Args:
        features: Tensor `(..., rows, size)`.
        kernel: Variable or tensor `(size, columns)`.
        bias: Variable or tensor `(columns,)`.
        dtype: The dtype of the sum.
    """
    return ops.cast(matmul(features, kernel), dtype) + ops.cast(bias, dtype)


def make_logits(features, weights, transpose_kernel=False):
    """Returns `features @ kernel + bias`, in a form that makes `smoothed_cross_entropy` cheaper.

    Args:
        features: Tensor `(..., size)`.
        weights: Function without arguments that returns the kernel, a tensor `(size,
            vocabulary_size)` of the dtype of the features, and the bias, a tensor
            `(vocabulary_size,)` of the dtype of the logits.
        transpose_kernel: Boolean, whether the kernel is `(vocabulary_size, size)` instead, such as
            the table of an embedding.
    """
    kernel, bias = weights()
    if transpose_kernel:
        kernel = ops.transpose(kernel)
    return dense(features, kernel, bias, bias.dtype)


def join_logits(logits):
    """Concatenates the logits of micro-batches, each as returned by `make_logits`."""
    return logits[0] if len(logits) == 1 else ops.concatenate(logits, axis=0)


def smoothed_cross_entropy(logits, labels, label_smoothing, consistency=0.0):
    """Returns the loss of each token, and its cross-entropy with the plain label.

    With `z` the logits, smoothing by `e` adds `e * (z[label] - mean(z))`.

    Args:
        logits: Tensor `(..., vocabulary_size)`.
        labels: Integer tensor `(...)`.
        label_smoothing: Float `e`: the target is `1 - e` on the label, plus `e` spread evenly.
        consistency: Float. If not 0, rows `2i` and `2i + 1` of the leading axis are two passes over
            the same sequence, and the loss of each token includes `consistency` times the mean of
            both Kullback-Leibler divergences between the two predictions.

    Returns:
        Two float32 tensors `(...)`, in nats, 0 for padding. Gradients flow through the first.
    """
    logits = ops.cast(logits, "float32")
    real = ops.cast(ops.not_equal(labels, PADDING_ID), "float32")
    plain = real * ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    loss = plain
    if label_smoothing:
        indices = ops.expand_dims(labels, axis=-1)
        label_logits = ops.take_along_axis(logits, indices, axis=-1)[..., 0]
        loss = loss + label_smoothing * real * (label_logits - ops.mean(logits, axis=-1))
    if consistency:
        loss = loss + consistency * real * ops.repeat(_mean_divergences(logits), 2, axis=0)
    return loss, ops.stop_gradient(plain)


def _mean_divergences(logits):
    """Returns the mean of both divergences between rows `2i` and `2i + 1` of logits."""
    first, second = ops.log_softmax(logits[::2]), ops.log_softmax(logits[1::2])
    return ops.sum((ops.exp(first) - ops.exp(second)) * (first - second), axis=-1) / 2


class StepLog:
    """A log of what each step of a loop computes, for rows that are not all at the same position.

    What has been written is passed from step to step, as a nested structure of tensors.

    Args:
        entry: Nested structure of tensors `(rows, ...)`, an example entry with all rows.
        length: Integer, larger than all positions that are written to.
    """

    def __init__(self, entry, length):
        self._entry = entry
        self._length = length

    def empty(self):
        """Returns the empty log."""

        def zeros(tensor):
            return ops.zeros((self._length, *ops.shape(tensor)), dtype=tensor.dtype)

        return keras.tree.map_structure(zeros, self._entry)

    def write(self, written, entry, positions, rows):
        """Adds an entry for some rows.

        Args:
            written: What has been written so far.
            entry: Nested structure of tensors `(n, ...)`.
            positions: Integers `(n,)`, the position of each row.
            rows: Integers `(n,)`, the index of each row.
        """
        indices = ops.stack([positions, rows], axis=-1)

        def put(tensor, values):
            return ops.scatter_update(tensor, indices, values)

        return keras.tree.map_structure(put, written, entry)

    def read(self, written, length):
        """Returns tensors `(length, rows, ...)`, zero where nothing was written."""
        return keras.tree.map_structure(lambda tensor: tensor[:length], written)


def take_rows(tensor, rows):
    """Returns the given rows of a tensor. Indices must not be negative."""
    return ops.take(tensor, rows, axis=0)


def take_beams(tensor, beams):
    """Returns from a tensor `(rows, width, ...)` the beams `(rows, n)` of each row.

    Like `ops.take_along_axis`, without broadcasting the tensor.
    """
    rows, number = ops.shape(beams)
    width, *sizes = ops.shape(tensor)[1:]
    first_beams = ops.arange(rows, dtype="int32") * width
    # (rows, n) -> (rows * n,)
    positions = ops.reshape(ops.expand_dims(first_beams, axis=-1) + beams, (-1,))
    # (rows, width, ...) -> (rows * width, ...) -> (rows * n, ...) -> (rows, n, ...)
    taken = ops.take(ops.reshape(tensor, (-1, *sizes)), positions, axis=0)
    return ops.reshape(taken, (rows, number, *sizes))


# The block size of `top_k`: sizes from 16 to 64 take about the same time.
BLOCK_SIZE = 64


def split_into_micro_batches(batch, multiple=1):
    """Returns a list of micro-batches: here the whole batch."""
    return [batch]


def frozen_weights():
    """Marks weights as constant within the block, which makes no difference here."""
    return nullcontext()


def lookup_or_compute(function, ids, count):
    """Returns `function(ids)`, computed.

    Args:
        function: Function of integers, whose result depends only on them and on weights.
        ids: Integer tensor `(...)`, below `count`.
        count: Integer.
    """
    return function(ids)


def compile_function(function, ranks):
    """Returns a function that computes the same, compiled where the backend supports all shapes.

    Args:
        function: Function of integer tensors, returning a nested structure of tensors.
        ranks: Dictionary from the names of its arguments to their ranks, in order.
    """
    return function


def concrete(tensor):
    """Returns the value of a tensor as a NumPy array, or `None` if it has none that costs nothing.

    Here only NumPy arrays have one.
    """
    return tensor if isinstance(tensor, np.ndarray) else None


def count_replicas(model=None):
    """Returns the number of replicas that share a training step: always one."""
    return 1


def scale_added_losses(model, part, batch):
    """Scales the losses that layers add for a part of a batch: here, there is always one part."""
    return nullcontext()


def build_optimizer(model):
    """Creates the variables of a model's optimizer, unless it has them."""
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def replicated_train_step(model, data):
    """Takes a training step on one replica's share of a batch, which no strategy asks for here."""
    raise NotImplementedError


def replicated_test_step(model, data):
    """Evaluates one replica's share of a batch, which no strategy asks for here."""
    raise NotImplementedError


def sum_over_replicas(value):
    """Returns the sum of a tensor over all replicas: the tensor itself."""
    return value


class TracksLayers:
    """Mixin of layers and models: has no effect on backends without TensorFlow's checkpoints."""


def portable_graph(keeps_shapes=True):
    """Has no effect: graphs are exported with TensorFlow."""
    return nullcontext()


def can_change_shapes():
    """Returns whether a tensor may change its shape within a loop."""
    return False


def make_step_log(entry, length):
    """Returns a `StepLog`."""
    return StepLog(entry, length)
