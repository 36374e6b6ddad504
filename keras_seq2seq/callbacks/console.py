"""Printing to standard error during training."""

import sys

from rich.console import Console

from keras_seq2seq.files.standard_streams import LenientStream


def error_console() -> Console:
    """Opens standard error for messages.

    Returns:
        A `rich.console.Console`, which ignores errors if the stream is closed or a broken pipe.

    Example:
        >>> print_line(error_console(), "Training starts.")
    """
    stream = sys.stderr
    if stream is not None and not isinstance(stream, LenientStream):
        stream = LenientStream(stream)
    return Console(file=stream, stderr=True, highlight=False)


def print_line(console: Console, line: str):
    """Prints text literally, wrapped between words on a terminal and in one line to a file.

    Args:
        console: `rich.console.Console` to print to.
        line: String to print.

    Example:
        >>> print_line(console, "step 100: dev ppl 8.10")
    """
    console.print(
        line, soft_wrap=not console.is_terminal, markup=False, emoji=False, highlight=False
    )
