import keras
import numpy as np
from keras import ops


def numbers_of(structure):
    """Returns a nested structure of tensors as one of NumPy arrays, float32 or better."""

    def convert(tensor):
        is_short = "16" in keras.backend.standardize_dtype(tensor.dtype)
        return ops.convert_to_numpy(ops.cast(tensor, "float32") if is_short else tensor)

    return keras.tree.map_structure(convert, structure)


def randomize(layer, seed=0):
    """Sets all weights to random numbers, so that no bias is left at zero."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.6, w.shape).astype("float32") for w in layer.weights])
    return layer
