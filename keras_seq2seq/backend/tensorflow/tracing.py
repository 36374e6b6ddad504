"""How a graph is traced: the operations it may contain, and what is computed before it.

With `frozen_weights`, what depends on weights alone is computed once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf


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


def compile_function(function, ranks):
    """Returns a function that computes the same in a graph, traced once for all shapes."""
    signature = [tf.TensorSpec([None] * rank, tf.int32, name=name) for name, rank in ranks.items()]
    # The code has no control flow for AutoGraph, which would take seconds to run.
    return tf.function(function, input_signature=signature, autograph=False)


def concrete(tensor):
    """Returns the value of a tensor as a NumPy array, or `None` if it is a tensor of a graph."""
    if isinstance(tensor, np.ndarray):
        return tensor
    return tensor.numpy() if tf.is_tensor(tensor) and hasattr(tensor, "numpy") else None
