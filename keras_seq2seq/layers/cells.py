"""The recurrent cells by name."""

from keras import ops

from keras_seq2seq.layers.gru_cell import GRUCell
from keras_seq2seq.layers.lstm_cell import LSTMCell

CELLS = {"LSTMCell": LSTMCell, "GRUCell": GRUCell}


def make_cell(cell_type, num_units, **kwargs):
    """Returns a new cell.

    Raises:
        ValueError: If `cell_type` is not a name in `CELLS`.
    """
    if cell_type not in CELLS:
        raise ValueError(
            f"`cell_type` must be one of {', '.join(CELLS)}. Received: cell_type={cell_type!r}"
        )
    return CELLS[cell_type](num_units, **kwargs)


def zero_states(cell, batch_size, dtype):
    """Returns the list of a cell's states, each zeros `(batch, size)`."""
    return [ops.zeros((batch_size, size), dtype=dtype) for size in cell.state_sizes]
