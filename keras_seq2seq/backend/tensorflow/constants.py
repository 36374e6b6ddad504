"""Weights that no longer change."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import tensorflow as tf

from keras_seq2seq.backend.tensorflow.block_value import BlockValue

# A graph has at most 2 GB, and may have each constant several times.
MOST_BYTES = 2**28

# The bytes that are left for constants.
_room = BlockValue()


def fixed_weights() -> AbstractContextManager[None]:
    """Has what depends on weights alone be constants of the graph that is traced in the block.

    oneDNN arranges a kernel for its products at each product, but one that is a constant only
    once. In bfloat16 that takes as long as the product itself if rows are few.
    """
    return _room.set_to(MOST_BYTES)


def as_constants(dtype: tf.DType, compute: Callable) -> list[tf.Tensor] | None:
    """Returns the tensors that a function gives, as constants if that makes a product faster.

    They are computed outside of the graph, from the weights that there are now.

    Args:
        dtype: The dtype of the product.
        compute: Function without arguments, whose result depends on weights alone.

    Returns:
        `None` outside of `fixed_weights`, or in float32, which gains next to nothing, while the
        graph is slower to start; or if the constants would be too large.
    """
    if _room.value is None or dtype.size >= tf.float32.size:
        return None
    with tf.init_scope():
        values = [tensor.numpy() for tensor in compute()]
    size = sum(value.nbytes for value in values)
    if size > _room.value:
        return None
    _room.value -= size
    return [tf.constant(value) for value in values]
