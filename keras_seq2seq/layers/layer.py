"""The base class of the layers that multiply matrices, and what all layers share."""

from numbers import Integral, Real

import keras
from keras import ops

from keras_seq2seq.backend import dense, matmul


def check_size(name, value):
    """Raises `ValueError` unless `value` is an integer of at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={value!r}")


def check_rate(name, value):
    """Raises `ValueError` unless `value` is a number in [0, 1)."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(
            f"`{name}` must be a number of at least 0 and below 1. Received: {name}={value!r}"
        )


def swap_batch_and_time(tensor):
    """Turns `(batch, time, ...)` into `(time, batch, ...)` and back."""
    return ops.swapaxes(tensor, 0, 1)


class Layer(keras.layers.Layer):
    """A layer that multiplies matrices in its compute dtype, and does the rest in float32 at least.

    With a dtype policy such as `"mixed_bfloat16"`, Keras has all of a layer done in bfloat16. But
    only products are faster in it on a CPU, where TensorFlow takes up to seven times as long for
    sums, choices and `tanh`; and a state that changes a little at every step loses digits. So
    these layers give outputs in `output_dtype`, and neither their inputs nor their weights are cast
    by Keras.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.autocast = False

    @property
    def output_dtype(self):
        """The dtype of all that is no product: float32, or float64 if products are in it."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def add_weight(self, *args, autocast=False, **kwargs):
        return super().add_weight(*args, autocast=autocast, **kwargs)

    def to_output_dtype(self, tensors):
        """Returns a tensor or weight, or a nested structure of them, in `output_dtype`."""
        return keras.tree.map_structure(lambda part: ops.cast(part, self.output_dtype), tensors)

    def to_compute_dtype(self, tensors):
        """Returns a tensor or weight, or a nested structure of them, in the compute dtype."""
        return keras.tree.map_structure(lambda part: ops.cast(part, self.compute_dtype), tensors)

    def matmul(self, features, kernel):
        """Returns the product of two matrices, computed in the compute dtype, in `output_dtype`.

        Args:
            features: Tensor `(..., rows, size)`.
            kernel: Weight or tensor `(..., size, columns)`.
        """
        return self.to_output_dtype(matmul(self.to_compute_dtype(features), kernel))

    def dense(self, features, kernel, bias):
        """Returns the product of two matrices plus a bias, only the product in the compute dtype.

        Args:
            features: Tensor `(..., rows, size)`.
            kernel: Weight `(size, columns)`.
            bias: Weight `(columns,)`.
        """
        return dense(self.to_compute_dtype(features), kernel, bias, self.output_dtype)
