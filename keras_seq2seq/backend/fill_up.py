"""Sizes that suit the processor."""

# Of the columns of logits whose largest are looked for: those from 16 to 64 take about the same
# time.
BLOCK_SIZE = 64


def fill_up(rows, multiple):
    """Returns the least multiple, of at least so many rows.

    On a CPU TensorFlow's products are oneDNN's, which compiles, and keeps, code for each number of
    rows: where it changes all the time, a few rows too many cost less.

    Args:
        rows: Integer, or scalar tensor of integers.
        multiple: Integer.
    """
    return (rows + multiple - 1) // multiple * multiple
