"""Micro-batches, on which several cores work at the same time."""

import os

import keras
import tensorflow as tf

from keras_seq2seq.cores import count_cores


def split_into_micro_batches(batch):
    """Splits a batch into micro-batches: one where an operation may use all cores.

    Cores that share an operation wait for each other at each of the thousands of operations of a
    step. Where TensorFlow gives an operation fewer threads than it runs operations in parallel
    (`TF_NUM_INTRAOP_THREADS`, `TF_NUM_INTEROP_THREADS`), there are as many micro-batches as can
    run in parallel.

    Args:
        batch: Nested structure of tensors `(batch, ...)`.

    Returns:
        List of such structures, in order.
    """
    count = _count_micro_batches()
    if count == 1:
        return [batch]
    batch = keras.tree.map_structure(tf.convert_to_tensor, batch)
    size = tf.shape(keras.tree.flatten(batch)[0])[0]

    def micro_batch(index):
        begin, end = size * index // count, size * (index + 1) // count
        return keras.tree.map_structure(lambda tensor: tensor[begin:end], batch)

    return [micro_batch(index) for index in range(count)]


def _count_micro_batches():
    if tf.config.list_physical_devices("GPU"):
        return 1
    threading = tf.config.threading
    at_once = threading.get_inter_op_parallelism_threads() or _chosen("TF_NUM_INTEROP_THREADS")
    threads = threading.get_intra_op_parallelism_threads() or _chosen("TF_NUM_INTRAOP_THREADS")
    return max(1, at_once // threads)


def _chosen(name):
    try:
        chosen = int(os.environ.get(name, "0"))
    except ValueError:  # TensorFlow reports it.
        chosen = 0
    return chosen if chosen > 0 else count_cores()
