"""Writing down what each step of a loop gives, of rows that are not all at the same time."""

import keras
import tensorflow as tf

from keras_seq2seq.backend import portable


class StepLog(portable.StepLog):
    """Lists entries as they are, and brings them to their places at the end.

    TensorFlow copies a tensor that is written to, which would be all that has been written, at
    each step.
    """

    def empty(self):
        places = tf.zeros((0, 2), tf.int32)
        return keras.tree.map_structure(_empty_list, (self._entry, places))

    def write(self, written, entry, times, rows):
        places = tf.stack([times, rows], axis=-1)
        return keras.tree.map_structure(_append, written, (entry, places))

    def read(self, written, length):
        entries, places = written
        rows = tf.shape(keras.tree.flatten(self._entry)[0])[0]
        places = _join(places, tf.zeros((0, 2), tf.int32))
        kept = tf.where(places[:, 0] < length)[:, 0]
        places = tf.gather(places, kept)

        def put(values, like):
            values = tf.gather(_join(values, like), kept)
            shape = tf.concat([[length, rows], tf.shape(values)[1:]], axis=0)
            # Where a row has been written twice at a time, it does not matter which one stays.
            tensor = tf.tensor_scatter_nd_update(tf.zeros(shape, values.dtype), places, values)
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
