"""Reading input files and writing results and warnings."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click

from keras_seq2seq.errors import UserError
from keras_seq2seq.wording import count


def read_aligned_lines(*paths: str) -> list[list[str]]:
    """Reads line-aligned text files, plain or .gz.

    Args:
        *paths: The files.

    Returns:
        The lines of each file.

    Raises:
        UserError: If a file cannot be read or is empty, or if the numbers of lines differ.
    """
    from keras_seq2seq.files import open_text, read_lines

    for path in paths:
        # Report missing files before reading any of them.
        open_text(path).close()
    texts = []
    for path in paths:
        texts.append(list(read_lines(path)))
        if not texts[-1]:
            raise UserError(f"{path}: empty file; expected one sequence per line")
        if len(texts[-1]) != len(texts[0]):
            lines = count(len(texts[0]), "line")
            raise UserError(
                f"{paths[0]} has {lines}, but {path} has {len(texts[-1]):,}; "
                "expected line-aligned files"
            )
    return texts


@contextmanager
def open_output(path: str | None) -> Iterator[TextIO]:
    """Opens a file or standard output for writing UTF-8 text with line feeds.

    Args:
        path: The path of the file, which is created or replaced only if the block ends without an
            error; `None` for standard output.

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
                # A device or a pipe must not be replaced by a renamed file. Directories raise here.
                file = stack.enter_context(open(path, "w", encoding="utf-8", newline="\n"))
            else:
                file = stack.enter_context(atomic_file(path))
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from None
        yield file
        file.flush()


def standard_input() -> TextIO:
    """Returns standard input.

    Raises:
        UserError: If it is closed.
    """
    if sys.stdin is None:
        raise UserError("standard input is closed; expected text to read")
    return sys.stdin


def _standard_output() -> TextIO:
    if sys.stdout is None:
        raise UserError("standard output is closed; expected a place to write to")
    # Independent of the locale, like the input.
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Shows warnings for users as one line each, without the location in the code."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_line(message, category, *args, **kwargs):
            if category is UserWarning:
                click.echo(f"keras-seq2seq: warning: {message}", err=True)
            else:
                show(message, category, *args, **kwargs)

        warnings.showwarning = show_line
        yield
