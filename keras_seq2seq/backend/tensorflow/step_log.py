"""The log of a search: what each of its steps appends for each row."""

import keras
import tensorflow as tf

from keras_seq2seq.backend import portable
from keras_seq2seq.backend.tensorflow.tracing import can_change_shapes


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
