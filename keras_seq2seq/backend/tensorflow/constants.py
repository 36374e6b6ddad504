"""Values that are computed once, where weights no longer change."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import tensorflow as tf


class BlockValue(threading.local):
    """A value that each thread has for the time of a block, and is `None` outside of any.

    Example:
        >>> recorder = BlockValue()
        >>> with recorder.set_to("a"):
        ...     recorder.value
        'a'
    """

    value: Any = None

    @contextmanager
    def set_to(self, value: Any) -> Iterator[None]:
        """Gives it a value in the block; the one before comes back after it."""
        before, self.value = self.value, value
        try:
            yield
        finally:
            self.value = before


# A graph has at most 2 GB, and may have each constant several times.
MOST_BYTES = 2**28

# A larger table takes long to compute, for somebody who may want a single line.
MOST_TABLE_BYTES = 2**26


class _Precomputed:
    """What has been computed for a graph.

    Attributes:
        room: The bytes that are left for constants.
        results: What has been computed for each key.
    """

    def __init__(self):
        self.room = MOST_BYTES
        self.results = {}


_precomputed = BlockValue()


def frozen_weights() -> AbstractContextManager[None]:
    """Has what depends on weights alone be computed once for the graph traced in the block.

    oneDNN arranges a kernel for its products at each product, but one that is a constant only
    once. In bfloat16 that takes as long as the product itself if rows are few.
    """
    return _precomputed.set_to(_Precomputed())


def as_constants(dtype: tf.DType, compute: Callable) -> list[tf.Tensor] | None:
    """Returns the tensors that a function gives, as constants if that makes a product faster.

    They are computed outside of the graph, from the weights that there are now.

    Args:
        dtype: The dtype of the product.
        compute: Function without arguments, whose result depends on weights alone.

    Returns:
        `None` outside of `frozen_weights`, or in float32, which gains next to nothing, while the
        graph is slower to start; or if the constants would be too large.
    """
    precomputed = _precomputed.value
    if precomputed is None or dtype.size >= tf.float32.size:
        return None
    with tf.init_scope():
        values = [tensor.numpy() for tensor in compute()]
    size = sum(value.nbytes for value in values)
    if size > precomputed.room:
        return None
    precomputed.room -= size
    return [tf.constant(value) for value in values]


def computed_once(key, compute):
    """Returns what a function gives, computed outside of the graph.

    It is computed once for all calls with a key in a block of `frozen_weights`.

    Args:
        key: What the result is found again by, such as a method.
        compute: Function without arguments, whose result depends on weights alone.

    Returns:
        `None` outside of `frozen_weights`.
    """
    precomputed = _precomputed.value
    if precomputed is None:
        return None
    if key not in precomputed.results:
        with tf.init_scope(), _precomputed.set_to(None):
            precomputed.results[key] = compute()
    return precomputed.results[key]


def lookup_or_compute(function, ids, count):
    """Returns `function(ids)`, with `frozen_weights` from a table of what it gives for all ids.

    Args:
        function: Function of integers `(...)` that gives a nested structure of tensors `(...,
            size)`, which depends on them and on weights alone; equal to itself at the next call,
            as a method is.
        ids: Integer tensor `(...)`, below `count`.
        count: Integer.
    """
    table = computed_once(function, lambda: _make_table(function, count))
    if table is None:
        return function(ids)
    return keras.tree.map_structure(lambda rows: tf.gather(rows, ids), table)


def _make_table(function, count):
    row = keras.tree.flatten(function(tf.zeros((1,), "int32")))
    if count * sum(part.shape[-1] * part.dtype.size for part in row) > MOST_TABLE_BYTES:
        return None
    return function(tf.range(count))
