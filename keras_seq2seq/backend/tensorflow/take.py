"""Choosing rows, and beams of each row, by one operation each.

`ops.take` has six more, for indices that are counted from the end.
"""

import tensorflow as tf


def take_rows(tensor, rows):
    """Returns the given rows of a tensor, none of them counted from its end."""
    return tf.gather(tensor, rows)


def take_beams(tensor, beams):
    """Returns from a tensor `(rows, width, ...)` the beams `(rows, n)` of each row."""
    return tf.gather(tensor, beams, batch_dims=1)
