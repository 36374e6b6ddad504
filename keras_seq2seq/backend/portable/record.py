"""Writing down what each step of a loop gives, of rows that are not all at the same time."""

import keras
from keras import ops


class Record:
    """What has been written is handed from step to step, as a nested structure of tensors.

    Args:
        entry: Nested structure of tensors `(rows, ...)`, an entry of all rows.
        length: Integer, above all times that are written at.
    """

    def __init__(self, entry, length):
        self._entry = entry
        self._length = length

    def empty(self):
        """Returns what is there before the first step."""

        def zeros(tensor):
            return ops.zeros((self._length, *ops.shape(tensor)), dtype=tensor.dtype)

        return keras.tree.map_structure(zeros, self._entry)

    def write(self, written, entry, times, rows):
        """Adds an entry of some rows.

        Args:
            written: What has been written so far.
            entry: Nested structure of tensors `(n, ...)`.
            times: Integers `(n,)`, the time of each row.
            rows: Integers `(n,)`, which of all rows each one is.
        """
        positions = ops.stack([times, rows], axis=-1)

        def put(tensor, values):
            return ops.scatter_update(tensor, positions, values)

        return keras.tree.map_structure(put, written, entry)

    def read(self, written, length):
        """Returns tensors `(length, rows, ...)`, zero where nothing has been written."""
        return keras.tree.map_structure(lambda tensor: tensor[:length], written)
