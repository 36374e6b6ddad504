"""The time axis leads inside of loops, and the batch axis outside of them."""

from keras import ops


def swap_batch_and_time(tensor):
    """Turns `(batch, time, ...)` into `(time, batch, ...)` and back."""
    return ops.swapaxes(tensor, 0, 1)
