"""Choosing rows, and beams of each row."""

from keras import ops


def take_rows(tensor, rows):
    """Returns the given rows of a tensor, none of them counted from its end."""
    return ops.take(tensor, rows, axis=0)


def take_beams(tensor, beams):
    """Returns from a tensor `(rows, width, ...)` the beams `(rows, n)` of each row.

    What `ops.take_along_axis` does, without broadcasting the tensor.
    """
    rows, number = ops.shape(beams)
    width, *sizes = ops.shape(tensor)[1:]
    first_beams = ops.arange(rows, dtype="int32") * width
    # (rows, n) -> (rows * n,)
    positions = ops.reshape(ops.expand_dims(first_beams, axis=-1) + beams, (-1,))
    # (rows, width, ...) -> (rows * width, ...) -> (rows * n, ...) -> (rows, n, ...)
    taken = ops.take(ops.reshape(tensor, (-1, *sizes)), positions, axis=0)
    return ops.reshape(taken, (rows, number, *sizes))
