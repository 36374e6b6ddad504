"""Functions as graphs, and tensors outside them."""

import numpy as np
import tensorflow as tf


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
