"""Taking, putting and repeating rows and beams of nested tensors."""

import keras
from keras import ops

from keras_seq2seq import backend


def count_rows(structure):
    """Returns the size of the first axis, which all tensors of the structure share."""
    return ops.shape(keras.tree.flatten(structure)[0])[0]


def take_rows(structure, rows):
    """Returns the given rows of every tensor."""
    return keras.tree.map_structure(lambda tensor: backend.take_rows(tensor, rows), structure)


def put_rows(structure, rows, values):
    """Returns the structure with the given rows of every tensor replaced by those of `values`."""
    positions = ops.expand_dims(rows, axis=-1)

    def put(tensor, values):
        return ops.scatter_update(tensor, positions, values)

    return keras.tree.map_structure(put, structure, values)


def repeat_rows(structure, number):
    """Repeats every row, with copies next to each other."""
    return keras.tree.map_structure(lambda tensor: ops.repeat(tensor, number, axis=0), structure)


def merge_beams(structure):
    """Turns tensors `(rows, width, ...)` into `(rows * width, ...)`."""

    def merge(tensor):
        # (rows, width, ...) -> (rows * width, ...)
        return ops.reshape(tensor, (-1, *ops.shape(tensor)[2:]))

    return keras.tree.map_structure(merge, structure)


def split_beams(structure, width):
    """Turns tensors `(rows * width, ...)` into `(rows, width, ...)`."""

    def split(tensor):
        # (rows * width, ...) -> (rows, width, ...)
        return ops.reshape(tensor, (-1, width, *ops.shape(tensor)[1:]))

    return keras.tree.map_structure(split, structure)


def take_beams(structure, beams):
    """Returns from tensors `(rows, width, ...)` the beams `(rows, n)` of each row."""
    return keras.tree.map_structure(lambda tensor: backend.take_beams(tensor, beams), structure)
