"""Printing to standard error during training."""

import sys

from rich.console import Console

from keras_seq2seq.files.standard_streams import LenientStream


def error_console() -> Console:
    """Returns a console for standard error, which ignores that it is closed or a broken pipe."""
    stream = sys.stderr
    if stream is not None and not isinstance(stream, LenientStream):
        stream = LenientStream(stream)
    return Console(file=stream, stderr=True, highlight=False)


def print_line(console: Console, line: str):
    """Prints text literally, wrapped between words on a terminal and in one line to a file."""
    console.print(line, soft_wrap=not console.is_terminal, markup=False, emoji=False)
