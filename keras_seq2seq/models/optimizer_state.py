"""What training code reads from the optimizer of a model."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import ops


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Sets the weights of a model to their moving average within the block.

    If its optimizer keeps none (`use_ema`), the model keeps its weights.

    Args:
        model: The compiled model.

    Example:
        >>> model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999), loss=...)
        >>> with averaged_weights(model):
        ...     model.save("model.keras")
    """
    optimizer = model.optimizer
    if not optimizer.use_ema:
        yield
        return
    own = [ops.copy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)


def steps_taken(optimizer):
    """Returns the number of batches that an optimizer has seen, an integer variable.

    `optimizer.iterations` counts the updates of the weights, which are fewer where gradients are
    accumulated.

    Args:
        optimizer: The optimizer of a compiled model.

    Returns:
        The integer variable.

    Example:
        >>> int(steps_taken(model.optimizer))
        500
    """
    return optimizer._iterations
