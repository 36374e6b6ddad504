"""What runs on every backend of Keras, written in `keras.ops`."""

from contextlib import nullcontext

import keras
from keras import ops

from keras_seq2seq.special_tokens import PADDING_ID


def scan(step, states, inputs, keep, constants=(), weights=(), go_backwards=False):
    """Runs `states = step(inputs[t], states, constants)` over the leading axis, time, of inputs.

    Args:
        step: Function of one time step of the inputs, `(batch, ...)`, the states and the
            constants, giving the new states.
        states: Nested structure of tensors `(batch, ...)`, the states before the first step.
        inputs: List of tensors `(time, batch, ...)`.
        keep: Function of the states, giving the nested structure of those that are wanted of
            every step.
        constants: Nested structure of tensors.
        weights: List of the variables that the step reads, which not all backends have
            to be told.
        go_backwards: Boolean, whether to begin with the last time step.

    Returns:
        The states after the last step, and those that `keep` chose after each, `(time, batch,
        ...)`, aligned with the inputs.
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


def make_logits(features, weights):
    """Returns `features kernel + bias`, from which `smoothed_cross_entropy` costs less.

    Args:
        features: Tensor `(..., size)`.
        weights: Function without arguments that gives the kernel, a tensor `(size,
            vocabulary_size)` of the dtype of the features, and the bias, a tensor
            `(vocabulary_size,)` of the dtype that the logits are to have.
    """
    kernel, bias = weights()
    return dense(features, kernel, bias, bias.dtype)


def join_logits(parts):
    """Joins the logits of the parts of a batch, each as `make_logits` has returned it."""
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=0)


def smoothed_cross_entropy(logits, labels, label_smoothing):
    """Returns the cross-entropy with the smoothed and with the plain labels.

    With `z` the logits, smoothing by `e` adds `e * (z[label] - mean(z))`.

    Args:
        logits: Tensor `(..., vocabulary_size)`.
        labels: Integer tensor `(...)`.
        label_smoothing: Float `e`: the target is `1 - e` on the label, and `e` spread evenly.

    Returns:
        Two float32 tensors `(...)`, in nats, 0 for padding. Gradients flow through the first.
    """
    logits = ops.cast(logits, "float32")
    real = ops.cast(ops.not_equal(labels, PADDING_ID), "float32")
    plain = real * ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    if not label_smoothing:
        return plain, ops.stop_gradient(plain)
    label_logits = ops.take_along_axis(logits, ops.expand_dims(labels, axis=-1), axis=-1)[..., 0]
    smoothed = plain + label_smoothing * real * (label_logits - ops.mean(logits, axis=-1))
    return smoothed, ops.stop_gradient(plain)


class StepLog:
    """What has been written is handed from step to step, as a nested structure of tensors.

    Args:
        entry: Nested structure of tensors `(rows, ...)`, an entry of all rows.
        length: Integer, above all times that are written at.
    """

    def __init__(self, entry, length):
        self._entry = entry
        self._length = length

    def empty(self):
        """Returns what is there before the first step."""

        def zeros(tensor):
            return ops.zeros((self._length, *ops.shape(tensor)), dtype=tensor.dtype)

        return keras.tree.map_structure(zeros, self._entry)

    def write(self, written, entry, times, rows):
        """Adds an entry of some rows.

        Args:
            written: What has been written so far.
            entry: Nested structure of tensors `(n, ...)`.
            times: Integers `(n,)`, the time of each row.
            rows: Integers `(n,)`, which of all rows each one is.
        """
        positions = ops.stack([times, rows], axis=-1)

        def put(tensor, values):
            return ops.scatter_update(tensor, positions, values)

        return keras.tree.map_structure(put, written, entry)

    def read(self, written, length):
        """Returns tensors `(length, rows, ...)`, zero where nothing has been written."""
        return keras.tree.map_structure(lambda tensor: tensor[:length], written)


def take_rows(tensor, rows):
    """Returns the given rows of a tensor, none of them counted from its end."""
    return ops.take(tensor, rows, axis=0)


def take_beams(tensor, beams):
    """Returns from a tensor `(rows, width, ...)` the beams `(rows, n)` of each row.

    What `ops.take_along_axis` does, without broadcasting the tensor.
    """
    rows, number = ops.shape(beams)
    width, *sizes = ops.shape(tensor)[1:]
    first_beams = ops.arange(rows, dtype="int32") * width
    # (rows, n) -> (rows * n,)
    positions = ops.reshape(ops.expand_dims(first_beams, axis=-1) + beams, (-1,))
    # (rows, width, ...) -> (rows * width, ...) -> (rows * n, ...) -> (rows, n, ...)
    taken = ops.take(ops.reshape(tensor, (-1, *sizes)), positions, axis=0)
    return ops.reshape(taken, (rows, number, *sizes))


# Of the columns of logits whose largest are looked for: those from 16 to 64 take about the same
# time.
BLOCK_SIZE = 64


def fill_up(rows, multiple):
    """Returns the least multiple, of at least so many rows.

    On a CPU TensorFlow's products are oneDNN's, which compiles, and keeps, code for each number of
    rows: where it changes all the time, a few rows too many cost less.

    Args:
        rows: Integer, or scalar tensor of integers.
        multiple: Integer.
    """
    return (rows + multiple - 1) // multiple * multiple


def split_into_micro_batches(batch):
    """Returns a list of the parts of a batch: here all of it."""
    return [batch]


def frozen_weights():
    """Lets the block make use of it that weights do not change any more: here nothing does."""
    return nullcontext()


def lookup_or_compute(function, ids, count):
    """Returns `function(ids)`, which here is computed.

    Args:
        function: Function of integers, whose result depends on them and on weights alone.
        ids: Integer tensor `(...)`, below `count`.
        count: Integer.
    """
    return function(ids)


def count_replicas():
    """Returns the number of replicas that share a training step: always one."""
    return 1


def replicated_train_step(model, data):
    """Takes a training step on one replica's share of a batch, which no strategy asks for here."""
    raise NotImplementedError


def reducible_logs(logs):
    """Returns the logs of a step in the form that the trainer reduces over processes."""
    return logs
