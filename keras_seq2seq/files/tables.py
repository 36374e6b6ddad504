"""Reading files with rows and columns: TSV, CSV, JSON lines, Parquet and TFRecord.

Rows are read one after the other, in constant memory. For messages, each row has the name of its
place, such as `pairs.tsv:7`. No row is skipped: a row that cannot be read is an error.
"""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.compression import open_text, without_compression_suffix
from keras_seq2seq.files.json_text import JsonLine, read_objects
from keras_seq2seq.files.reading import open_regular_file
from keras_seq2seq.files.records import read_examples
from keras_seq2seq.files.text_lines import (
    MAX_LINE_BYTES,
    check_line,
    damaged,
    decode_lines,
    short_repr,
)

Column = str | int

# The columns that are read if none are given and the table has them.
DEFAULT_COLUMNS = ("source", "target")

_FORMATS = {
    ".tsv": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
}
TABLE_SUFFIXES = tuple(_FORMATS)
TEXT_TABLES = ("tsv", "csv", "jsonl")

# Words that the names of columns of parallel text consist of: roles, and codes and names of
# languages.
_COLUMN_WORDS = frozenset(
    "answer article complex document formal informal input label original output paraphrase phone "
    "phoneme phonemes phones pronunciation query question reference response sentence sentences "
    "simple source spelling src summary target text tgt title transcript translation trg word "
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id "
    "is it ja ka kk km kn ko ku lo lt lv mk ml mn mr ms mt my nb ne nl nn no pa pl ps pt ro ru si "
    "sk sl so sq sr sv sw ta te th tl tr uk ur uz vi xh yo zh zu "
    "ara ces deu ell eng fin fra heb hin hun ita jpn kor nld pol por ron rus spa swe tur ukr vie "
    "zho arabic bulgarian catalan chinese croatian czech danish dutch english estonian finnish "
    "french german greek hebrew hindi hungarian icelandic indonesian irish italian japanese korean "
    "latin latvian lithuanian norwegian persian polish portuguese romanian russian serbian slovak "
    "slovene slovenian spanish swahili swedish thai turkish ukrainian urdu vietnamese welsh "
    "deutsch englisch französisch français anglais allemand español inglés".split()
)
_REGION = re.compile("([a-z]{2,3})[-_][a-z]{2,4}")

_PARQUET_ROWS = 1024
_LINE_BREAK = re.compile(r"\r\n?|\n")


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        place: Where it is, for messages.
        cells: All its cells: a list, or a dictionary from names to values.
        values: The text of the requested columns.
        line: The line, if it is that of a JSON lines file.
    """

    place: str
    cells: list[str] | Mapping[str, Any]
    values: tuple[str, ...]
    line: JsonLine | None = None


def table_format(path: str | os.PathLike) -> str | None:
    """Returns the format of a table, which its name determines, or `None` for other files.

    Returns:
        `"tsv"`, `"csv"`, `"jsonl"`, `"parquet"` or `"tfrecord"`. A suffix of compression, such as
        `.gz`, does not count.
    """
    return _FORMATS.get(os.path.splitext(without_compression_suffix(path))[1])


class Table:
    """A table whose rows are read on demand.

    Args:
        path: The file, plain or compressed; for a stream, its name in messages.
        columns: The names of the columns to read, or their numbers starting with 1. If any is a
            name, the first row of a TSV or CSV file is its header, and otherwise a row like any
            other. In JSON lines, the name "translation.en" is the key "en" of the object
            "translation", unless there is a key "translation.en". `None` means the columns
            "source" and "target" if the table has these names, or otherwise the only two columns.
        file_format: The format, see `table_format`. Defaults to that of the file's name.
        stream: An open binary file to read in place of `path`: TSV, CSV or JSON lines.

    Attributes:
        header: The names of the columns of a TSV or CSV file, `None` if it has no header, or it
            has not been read yet.

    Raises:
        UserError: If the file cannot be opened or is not a table.

    Example:
        >>> [row.values for row in Table("pairs.tsv", ("en", "de"))]
        [('a dog', 'ein Hund'), ('a man', 'ein Mann')]
    """

    def __init__(
        self,
        path: str | os.PathLike,
        columns: Sequence[Column] | None = None,
        file_format: str | None = None,
        stream: BinaryIO | None = None,
    ):
        self.path = os.fspath(path)
        self.header: list[str] | None = None
        self._columns = columns
        self._format = file_format or table_format(path)
        self._stream = stream
        if self._format is None:
            raise UserError(
                f"{path}: not a table; expected a name that ends in {', '.join(TABLE_SUFFIXES)}, "
                "or one of these and .gz, .zst or .xz"
            )
        if stream is None:
            open_text(path).close()

    def __iter__(self) -> Iterator[Row]:
        """Yields the rows.

        Raises:
            UserError: If the file is damaged, has no rows, or lacks a column; if a row has another
                number of columns than the first one; or if a cell is not a string.
        """
        if self._format == "parquet":
            rows = _read_parquet(self.path, self._columns)
        elif self._stream is not None:
            rows = self._read_stream(self._stream)
        else:
            rows = self._read_file()
        is_empty = True
        for row in rows:
            is_empty = False
            yield row
        if is_empty:
            raise UserError(f"{self.path}: no rows; expected at least one row")

    def _read_file(self) -> Iterator[Row]:
        with open_text(self.path) as stream:
            yield from self._read_stream(stream)

    def _read_stream(self, stream: BinaryIO) -> Iterator[Row]:
        if self._format in ("tsv", "csv"):
            read = _split_tabs if self._format == "tsv" else _split_commas
            yield from self._read_lists(read(decode_lines(stream, self.path), self.path))
        elif self._format == "jsonl":
            for line in read_objects(stream, self.path):
                values = _find_values(line.place, line.value, self._columns)
                yield Row(line.place, line.value, values, line)
        else:
            for place, features in read_examples(stream, self.path):
                values = _find_values(place, features, self._columns)
                yield Row(place, features, values)

    def _read_lists(self, rows: Iterator[tuple[str, list[str]]]) -> Iterator[Row]:
        first = next(rows, None)
        if first is None:
            return
        place, cells = first
        indices, has_header = _find_in_first_row(place, cells, self._columns)
        names = cells if has_header else range(1, len(cells) + 1)
        labels = [_label(names[index]) for index in indices]
        if has_header:
            self.header = cells
        else:
            yield _list_row(place, cells, indices, labels)
        for place, row in rows:
            if len(row) != len(cells):
                raise UserError(
                    f"{place}: {_count(row)}; expected {len(cells)} as in the first row"
                )
            yield _list_row(place, row, indices, labels)


class UnchosenColumnsError(UserError):
    """No columns are chosen, and the table does not show which ones to read.

    Args:
        found: What was found, with its place.
        advice: The rest of the message.
    """

    def __init__(self, found: str, advice: str):
        super().__init__(f"{found}; {advice}")
        self.found, self.advice = found, advice

    def __reduce__(self):
        return type(self), (self.found, self.advice)


def read_column(path: str | os.PathLike, column: Column) -> Iterator[str]:
    """Returns an iterator over the text of one column of a table, see `Table`."""
    return (row.values[0] for row in Table(path, (column,)))


def _split_tabs(lines: Iterable[str], path: str) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(lines, 1):
        yield f"{path}:{number}", line.split("\t") if line else []


def _split_commas(lines: Iterable[str], path: str) -> Iterator[tuple[str, list[str]]]:
    """Yields the rows of a CSV file. Quoted cells may contain line breaks."""
    first, size = 1, 0

    def count_lines() -> Iterator[str]:
        nonlocal size
        for line in lines:
            # Without a limit, an unclosed quote would read the rest of the file into memory.
            size += len(line) + 1
            if size > MAX_LINE_BYTES:
                raise UserError(
                    f"{path}:{first}: row longer than {MAX_LINE_BYTES} characters; is a quote not "
                    "closed?"
                )
            yield f"{line}\n"

    # The default limit of cells is lower. It cannot be set for a single reader.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    reader = csv.reader(count_lines(), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{path}:{first}: invalid CSV ({error})") from None
        if row is None:
            return
        yield f"{path}:{first}", row
        first, size = reader.line_num + 1, 0


def _find_values(
    place: str, record: Mapping[str, Any], columns: Sequence[Column] | None
) -> tuple[str, ...]:
    """Returns the text of the columns of a record."""
    return tuple(
        _check(_find_value(place, record, name), place, _label(name))
        for name in columns or DEFAULT_COLUMNS
    )


def _find_value(place: str, record: Mapping[str, Any], name: Column) -> Any:
    """Returns a value of a record, or of the objects in it if the name is dotted."""
    if name in record:
        return record[name]
    value: Any = record
    for key in name.split(".") if isinstance(name, str) else [name]:
        if not isinstance(value, dict) or key not in value:
            raise _no_column(place, name, list(record))
        value = value[key]
    return value


def _read_parquet(path: str, columns: Sequence[Column] | None) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise UserError(
            f"{path}: reading Parquet needs the pyarrow package; install it with "
            "pip install 'keras-seq2seq[parquet]'"
        ) from None
    if without_compression_suffix(path) != path:
        raise UserError(f"{path}: decompress this file (Parquet has its own compression)")
    with open_regular_file(path) as stream:
        number = 0
        try:
            file = parquet.ParquetFile(stream)
            schema = file.schema_arrow
            names = [schema.names[index] for index in _find_in_schema(path, schema, columns)]
            labels = [_label(name) for name in names]
            wanted = list(dict.fromkeys(names))
            for batch in file.iter_batches(_PARQUET_ROWS, columns=wanted, use_threads=False):
                texts = [batch.column(name).to_pylist() for name in names]
                for values in zip(*texts, strict=True):
                    number += 1
                    place = f"{path}: row {number}"
                    cells = dict(zip(names, values, strict=True))
                    checked = zip(values, labels, strict=True)
                    yield Row(place, cells, tuple(_check(v, place, label) for v, label in checked))
        # Strings that are not UTF-8 are only found when they are converted.
        except (ArrowException, OSError, UnicodeDecodeError) as error:
            raise damaged(f"{path}: row {number + 1}", "Parquet", error) from None


def _find_in_schema(path: str, schema: Any, columns: Sequence[Column] | None) -> list[int]:
    from pyarrow import types

    names = schema.names
    if columns is None:
        columns = DEFAULT_COLUMNS if set(DEFAULT_COLUMNS) <= set(names) else _only_two(path, names)
    indices = [_find(path, names, column) for column in columns]
    for index in indices:
        _check_only_one(path, names, names[index])
        kind = schema.types[index]
        kind = kind.value_type if types.is_dictionary(kind) else kind
        if not any(
            is_text(kind)
            for is_text in (types.is_string, types.is_large_string, types.is_string_view)
        ):
            raise UserError(f"{path}: {_label(names[index])} has type {kind}; expected strings")
    return indices


def _find_in_first_row(
    place: str, cells: list[str], columns: Sequence[Column] | None
) -> tuple[list[int], bool]:
    """Returns the indices of the columns, and whether the first row is the header."""
    if columns is None:
        has_header = set(DEFAULT_COLUMNS) <= set(cells)
        columns = DEFAULT_COLUMNS if has_header else _only_two(place, cells)
        if not has_header and _looks_like_header(cells):
            raise UnchosenColumnsError(
                f"{place}: {short_repr(cells[0])} and {short_repr(cells[1])} look like names of "
                "columns",
                "set --source_column and --target_column to the names, or to 1 and 2 if "
                "this is a pair (in Python: the second argument)",
            )
    else:
        has_header = any(isinstance(column, str) for column in columns)
    return [_find(place, cells, column) for column in columns], has_header


def _looks_like_header(cells: Sequence[str]) -> bool:
    return len(set(cells)) == len(cells) and all(map(_looks_like_name, cells))


def _looks_like_name(cell: str) -> bool:
    """Returns whether a cell consists of words such as "en", "en-US", "German text" or "src_1"."""
    name = cell.strip().casefold()
    if match := _REGION.fullmatch(name):
        return match[1] in _COLUMN_WORDS
    words = [word.rstrip("0123456789") for word in re.split(r"[\W_]+", name)]
    return any(words) and all(word in _COLUMN_WORDS for word in words if word)


def _only_two(place: str, names: list[str]) -> tuple[int, int]:
    if len(names) != 2:
        raise UnchosenColumnsError(
            f"{place}: {_count(names)}",
            "choose two with --source_column and --target_column (in Python: the second argument)",
        )
    return 1, 2


def _find(place: str, names: list[str], column: Column) -> int:
    if isinstance(column, int):
        if not 1 <= column <= len(names):
            raise UserError(f"{place}: no column {column}; it has {_count(names)}")
        return column - 1
    if column not in names:
        raise _no_column(place, column, names)
    _check_only_one(place, names, column)
    return names.index(column)


def _check_only_one(place: str, names: list[str], column: str):
    if names.count(column) > 1:
        raise UserError(f"{place}: {names.count(column)} columns named {column!r}; rename them")


def _no_column(place: str, column: Column, names: list[str]) -> UserError:
    if isinstance(column, int):
        return UserError(f"{place}: expected the name of a column, got the number {column}")
    shown = ", ".join(short_repr(name) for name in names[:10]) or "none"
    more = ", ..." if len(names) > 10 else ""
    return UserError(f"{place}: no column {column!r}; it has {shown}{more}")


def _list_row(place: str, cells: list[str], indices: list[int], labels: list[str]) -> Row:
    checked = zip(indices, labels, strict=True)
    return Row(place, cells, tuple(_check(cells[index], place, label) for index, label in checked))


def _check(value: Any, place: str, label: str) -> str:
    """Returns the text of a cell in one line."""
    if not isinstance(value, str):
        found = "null" if value is None else short_repr(value)
        raise UserError(f"{place}: {label} is {found}; expected a string")
    text = check_line(value, f"{place}: {label}")
    if "\0" in text:
        raise UserError(f"{place}: {label} has a NUL character; expected text")
    if len(text) > MAX_LINE_BYTES:
        raise UserError(f"{place}: {label} is longer than {MAX_LINE_BYTES} characters")
    return in_one_line(text)


def in_one_line(text: str) -> str:
    """Replaces line breaks with spaces."""
    return _LINE_BREAK.sub(" ", text) if "\n" in text or "\r" in text else text


def _label(column: Column) -> str:
    return f"column {short_repr(column)}"


def _count(cells: Sequence) -> str:
    return f"{len(cells)} column{'s' if len(cells) != 1 else ''}" if cells else "empty row"
