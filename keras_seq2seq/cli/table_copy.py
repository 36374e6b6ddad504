"""Copying tables with additional columns."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import click

from keras_seq2seq.cli.input_output import STANDARD_INPUT, STANDARD_STREAM, open_table
from keras_seq2seq.errors import UserError


class TableCopy:
    """A TSV, CSV or JSON lines file whose rows are copied with additional columns.

    Rows are read ahead and kept until they are written, in the same order.

    Args:
        path: The file, plain or compressed. "-" or `None` is standard input.
        columns: The columns to read, see `Table`.
        file_format: "tsv", "csv" or "jsonl".
        added: The names of the additional columns.

    Raises:
        UserError: If the file cannot be opened.
    """

    def __init__(
        self,
        path: str | None,
        columns: tuple | None,
        file_format: str,
        added: Sequence[str],
    ):
        self._table = open_table(path, columns, file_format)
        self._format = file_format
        self._added = added
        self._waiting = deque()
        self._has_header = False
        self._rows = 0

    def __len__(self) -> int:
        """Returns the number of rows read so far."""
        return self._rows

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Yields the text of the columns, row by row.

        Raises:
            UserError: If the table already has one of the additional columns.
        """
        for row in self._table:
            if self._format == "jsonl":
                self._check_names(row.place, row.cells)
            elif self._table.header is not None and not self._rows:
                self._check_names(f"{self._table.path}:1", self._table.header)
            self._waiting.append(row)
            self._rows += 1
            yield row.values

    def write(self, file: TextIO, *copies: dict[str, Any]):
        """Writes the next row, once for each dictionary of additional columns.

        Args:
            file: The file to write to.
            *copies: Dictionaries from the names of the additional columns to their cells.
        """
        row = self._waiting.popleft()
        if self._format == "jsonl":
            for added in copies:
                file.write(f"{row.line.with_items(added)}\n")
            return
        if self._table.header is not None and not self._has_header:
            self._write_cells(file, [*self._table.header, *copies[0]])
            self._has_header = True
        for added in copies:
            self._write_cells(file, [*row.cells, *map(_to_text, added.values())])

    def _check_names(self, place: str, names: Any):
        for name in self._added:
            if name in names:
                raise UserError(f"{place}: already has a column {name!r}; rename it")

    def _write_cells(self, file: TextIO, cells: list[str]):
        if self._format == "csv":
            csv.writer(file, lineterminator="\n").writerow(cells)
        else:
            file.write("\t".join(cells) + "\n")


def open_table_copy(
    path: str | None,
    columns: tuple | None,
    file_format: str | None,
    added: Sequence[str],
) -> TableCopy | None:
    """Opens the input of a command if it is a table.

    Args:
        path: The file. "-" or `None` is standard input.
        columns: The columns to read; `None` if the user has chosen none.
        file_format: The value of `--input_format`, or `None` for the format of the file's name.
        added: The names of the additional columns.

    Returns:
        The `TableCopy`, or `None` if the input is plain text.

    Raises:
        UserError: If the table cannot be opened, or no column is chosen.
    """
    from keras_seq2seq.files.tables import TEXT_TABLES, table_format

    is_stream = path in (None, STANDARD_STREAM)
    file_format = file_format or (None if is_stream else table_format(path)) or "text"
    if file_format == "text":
        if columns is not None:
            raise click.UsageError(
                "The column of a table needs a file that ends in .tsv, .csv or .jsonl, or "
                "--input_format."
            )
        return None
    if file_format not in TEXT_TABLES:
        raise UserError(f"{path}: expected text, TSV, CSV or JSON lines, got {file_format}")
    if columns is None:
        name = STANDARD_INPUT if is_stream else path
        raise UserError(
            f"{name}: a table; choose a column with --source_column, or read it as plain text with "
            "--input_format text"
        )
    return TableCopy(path, columns, file_format, added)


def _to_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, list):
        return " ".join(f"{token}:{number:.6f}" for token, number in value)
    # A cell is one line, without tabs.
    return " ".join(str(value).splitlines()).replace("\t", " ")
