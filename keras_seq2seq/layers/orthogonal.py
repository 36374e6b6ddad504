"""The first weights of a recurrence."""

import keras
from keras import ops


class Orthogonal(keras.initializers.Orthogonal):
    """`keras.initializers.Orthogonal`, for weights of less than float32 too.

    Keras orthogonalises in the dtype of the weights, which no backend does for bfloat16.
    """

    def __call__(self, shape, dtype=None):
        dtype = dtype or keras.config.floatx()
        precise = keras.backend.result_type(dtype, "float32")
        return ops.cast(super().__call__(shape, precise), dtype)
