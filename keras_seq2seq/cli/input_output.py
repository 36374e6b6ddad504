"""Reading input files and writing results and warnings."""

import errno
import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click

from keras_seq2seq.errors import UserError
from keras_seq2seq.wording import count, in_one_line

# The name of standard input and standard output in place of a file.
STANDARD_STREAM = "-"

# The name of standard input in messages.
STANDARD_INPUT = "standard input"


def suggest_translate(model_dir: str):
    """Prints the command that translates with a model that has been written."""
    command = f"keras-seq2seq translate --model_dir {shlex.quote(model_dir)}"
    click.echo(f"Translate with: {command}", err=True)


def check_readable(*paths: str):
    """Checks that text files can be opened, before anything else is done.

    Args:
        *paths: The files. "-" is standard input, which only one of them can be.

    Raises:
        UserError: If not.
    """
    from keras_seq2seq.files import open_text

    if paths.count(STANDARD_STREAM) > 1:
        raise UserError("standard input can be read only once; expected - for one file at most")
    for path in paths:
        if path != STANDARD_STREAM:
            open_text(path).close()


def check_replaces_no_input(output: str | None, *inputs: str | None):
    """Checks that an output file is none of the input files.

    Args:
        output: The output file. "-" or `None` is standard output.
        *inputs: The input files. "-" or `None` is standard input.

    Raises:
        UserError: If it is one.
    """
    streams = (None, STANDARD_STREAM)
    if output in streams or not os.path.isfile(output):
        return
    for path in inputs:
        if path not in streams and os.path.exists(path) and os.path.samefile(path, output):
            raise UserError(f"{output}: is an input, which it would replace; choose another output")


def read_text(
    path: str | None, column: str | int | None = None, file_format: str | None = None
) -> Iterator[str]:
    """Reads a text file line by line, or a column of a table row by row.

    Args:
        path: The file, plain or compressed. "-" or `None` is standard input.
        column: The name or the number of a column, if the file is a table.
        file_format: The format of the table. Defaults to that of the file's name.

    Returns:
        An iterator over its lines, or over the cells of the column.

    Raises:
        UserError: If the file cannot be read.
    """
    from keras_seq2seq.files import decode_lines, read_lines

    if column is not None:
        return (row.values[0] for row in open_table(path, (column,), file_format))
    if path in (None, STANDARD_STREAM):
        return decode_lines(standard_input().buffer, STANDARD_INPUT)
    return read_lines(path)


def check_is_text(instead: str, *paths: str):
    """Checks that files are not tables, except TSV and CSV files, which may be read as plain text.

    Args:
        instead: What to use instead, such as the option that reads tables.
        *paths: The files.

    Raises:
        UserError: If one is a table.
    """
    from keras_seq2seq.files.tables import table_format

    for path in paths:
        if path != STANDARD_STREAM and table_format(path) not in (None, "tsv", "csv"):
            raise UserError(f"{path}: a table; use {instead}")


def open_table(path: str | None, columns: Sequence[str | int] | None, file_format: str | None):
    """Opens a table.

    Args:
        path: The file, plain or compressed. "-" or `None` is standard input.
        columns: The names or numbers of the columns to read.
        file_format: The format. Defaults to that of the file's name.

    Returns:
        The `Table`.

    Raises:
        UserError: If the file cannot be opened or is not a table.
    """
    from keras_seq2seq.files.tables import Table

    if path in (None, STANDARD_STREAM):
        return Table(STANDARD_INPUT, columns, file_format, standard_input().buffer)
    return Table(path, columns, file_format)


def read_aligned_lines(*paths: str) -> list[list[str]]:
    """Reads line-aligned text files, plain or compressed.

    Args:
        *paths: The files. "-" is standard input.

    Returns:
        The lines of each file.

    Raises:
        UserError: If a file cannot be read or is empty, or if the numbers of lines differ.
    """
    # Report missing files before reading any of them.
    check_readable(*paths)
    texts = []
    for path in paths:
        texts.append(list(read_text(path)))
        if not texts[-1]:
            raise UserError(f"{path}: empty file; expected one sequence per line")
        if len(texts[-1]) != len(texts[0]):
            lines = count(len(texts[0]), "line")
            raise UserError(
                f"{paths[0]} has {lines}, but {path} has {len(texts[-1]):,}; "
                "expected line-aligned files"
            )
    return texts


def check_output(path: str | None):
    """Checks that a file can probably be written, before the work that computes its content.

    Args:
        path: The file. "-" or `None` is standard output.

    Raises:
        UserError: If its name is that of a directory or a compressed file, or if its directory does
            not exist or cannot be written.
    """
    if path in (None, STANDARD_STREAM):
        return
    _check_output_name(path)
    # A link may refer to a file in another directory.
    directory = os.path.dirname(os.path.realpath(path))
    is_device = os.path.exists(path) and not os.path.isfile(path)
    number = None
    if os.path.isdir(path):
        number = errno.EISDIR
    elif not os.path.isdir(directory):
        number = errno.ENOTDIR if os.path.exists(directory) else errno.ENOENT
    elif not (is_device or os.access(directory, os.W_OK)):
        number = errno.EACCES
    if number is not None:
        raise UserError(f"{path}: cannot be written ({os.strerror(number)})")


def _check_output_name(name: str):
    from keras_seq2seq.files import is_compressed
    from keras_seq2seq.files.reading import check_not_empty

    check_not_empty(name)
    if is_compressed(name):
        raise UserError(f"{name}: output is not compressed; leave out the suffix")


@contextmanager
def open_output(path: str | None) -> Iterator[TextIO]:
    """Opens a file or standard output for writing UTF-8 text with line feeds.

    Args:
        path: The path of the file, which is created or replaced only if the block ends without an
            error. "-" or `None` is standard output.

    Yields:
        The open file.

    Raises:
        UserError: If the file cannot be written.
    """
    from keras_seq2seq.files.writing import atomic_file, naming_errors

    name = "standard output" if path in (None, STANDARD_STREAM) else path
    _check_output_name(name)
    # Closing the file may fail again.
    with naming_errors(name), ExitStack() as stack:
        try:
            if path in (None, STANDARD_STREAM):
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
    # Independent of the locale, like the input. Names of files are written as they are.
    sys.stdout.reconfigure(encoding="utf-8", newline="\n", errors="surrogateescape")
    return sys.stdout


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Shows warnings for users as one line each, without the location in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        show = warnings.showwarning

        def show_line(message, category, *args, **kwargs):
            if category is UserWarning:
                click.echo(f"keras-seq2seq: warning: {in_one_line(str(message))}", err=True)
            else:
                show(message, category, *args, **kwargs)

        warnings.showwarning = show_line
        yield
