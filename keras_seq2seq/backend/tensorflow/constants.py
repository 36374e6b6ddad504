"""Weights that no longer change."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf

# A graph has at most 2 GB, and may have each constant several times.
MOST_BYTES = 2**28

_active = threading.local()


@contextmanager
def fixed_weights() -> Iterator[None]:
    """Has what depends on weights alone be constants of the graph that is traced in the block.

    oneDNN arranges a kernel for its products at each product, but one that is a constant only
    once. In bfloat16 that takes as long as the product itself if rows are few.
    """
    before = getattr(_active, "room", None)
    _active.room = MOST_BYTES
    try:
        yield
    finally:
        _active.room = before


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
    room = getattr(_active, "room", None)
    if room is None or dtype.size >= tf.float32.size:
        return None
    with tf.init_scope():
        values = [tensor.numpy() for tensor in compute()]
    room -= sum(value.nbytes for value in values)
    if room < 0:
        return None
    _active.room = room
    return [tf.constant(value) for value in values]
