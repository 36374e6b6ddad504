"""Reading input files, and writing results and warnings."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click

from keras_seq2seq.errors import UserError


def read_aligned_lines(*paths: str) -> list[list[str]]:
    """Reads text files, plain or .gz, of the same number of lines.

    Args:
        *paths: The files.

    Returns:
        The lines of each file.

    Raises:
        UserError: If a file cannot be read or is empty, or two differ in their number of lines.
    """
    from keras_seq2seq.files import open_text, read_lines

    for path in paths:
        # A missing file shall not be found after others are read.
        open_text(path).close()
    texts = []
    for path in paths:
        texts.append(list(read_lines(path)))
        if not texts[-1]:
            raise UserError(f"{path}: empty file; expected text with one sequence a line")
        if len(texts[-1]) != len(texts[0]):
            raise UserError(
                f"{paths[0]} has {len(texts[0])} lines, but {path} has {len(texts[-1])}; "
                "expected line-aligned files"
            )
    return texts


@contextmanager
def open_output(path: str | None) -> Iterator[TextIO]:
    """Opens a file for a result, or standard output: UTF-8, lines ended by a line feed.

    Args:
        path: The file, which appears when the block ends without an error and replaces one that
            is there; None for standard output.

    Yields:
        The open file.

    Raises:
        UserError: If the file cannot be written.
    """
    from keras_seq2seq.files.writing import atomic_file

    with ExitStack() as stack:
        try:
            if path is None:
                file = _standard_output()
            elif Path(path).exists() and not Path(path).is_file():
                # A device or a pipe (a directory raises here): renaming would replace it.
                file = stack.enter_context(open(path, "w", encoding="utf-8", newline="\n"))
            else:
                file = stack.enter_context(atomic_file(path))
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from None
        yield file
        file.flush()


def _standard_output() -> TextIO:
    # Whatever the locale says: what is read is UTF-8 too.
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Shows warnings meant for users in one line each, without a place in the code."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_line(message, category, *args, **kwargs):
            if category is UserWarning:
                click.echo(f"keras-seq2seq: warning: {message}", err=True)
            else:
                show(message, category, *args, **kwargs)

        warnings.showwarning = show_line
        yield
