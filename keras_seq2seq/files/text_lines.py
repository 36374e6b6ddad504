"""Reading text line by line, with errors that include the line number.

Lines are split as by `tf.data.TextLineDataset`, so that line numbers match those of the training
pipeline: only a line feed ends a line, and all carriage returns are removed.
"""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import BinaryIO

from keras_seq2seq.errors import InputError, UserError

BYTE_ORDER_MARK = "\ufeff"

# Longer lines are rejected. Without a limit, a file without line feeds would be read into memory as
# a whole.
MAX_LINE_BYTES = 2**20

_GZIP_MAGIC = b"\x1f\x8b"


def open_text(path: str | os.PathLike) -> BinaryIO:
    """Opens a plain or gzip file for reading bytes.

    Args:
        path: The file. It is decompressed if its name ends in `.gz`.

    Returns:
        The open binary file.

    Raises:
        UserError: If the file is missing, unreadable or a directory.
    """
    path = Path(path)
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{_near_miss(path)}") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a directory; expected a text file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror})") from None


def read_lines(path: str | os.PathLike) -> Iterator[str]:
    """Reads a plain or gzip text file line by line, in constant memory.

    Args:
        path: The file. It is decompressed if its name ends in `.gz`.

    Yields:
        The lines, see `decode_lines`.

    Raises:
        UserError: In the cases of `open_text` and `decode_lines`.
    """
    with open_text(path) as stream:
        yield from decode_lines(stream, path)


def decode_lines(stream: BinaryIO, name: str | os.PathLike) -> Iterator[str]:
    """Decodes an open binary file, such as standard input, line by line.

    Args:
        stream: The open binary file.
        name: The name of the file in messages.

    Yields:
        Each line without its line feed, carriage returns and a byte-order mark at its start (which
        can occur anywhere in a file that was concatenated from several).

    Raises:
        UserError: If the data is not UTF-8, contains a NUL byte or a line longer than
            `MAX_LINE_BYTES`, or is damaged gzip data. The message includes the line number.
    """
    for number, line in enumerate(_raw_lines(stream, name), 1):
        yield _decode_line(line, f"{name}:{number}")


def count_lines(path: str | os.PathLike) -> int:
    """Returns the number of lines of a plain or gzip text file, without decoding them.

    Args:
        path: The file. It is decompressed if its name ends in `.gz`.

    Raises:
        UserError: If the file cannot be read, is damaged gzip data, or has a line longer than
            `MAX_LINE_BYTES`.
    """
    with open_text(path) as stream:
        return sum(1 for _ in _raw_lines(stream, path))


def check_line(line: str | bytes, place: str) -> str:
    """Checks one line of text in memory.

    Args:
        line: The line. Bytes are decoded as UTF-8.
        place: Where the line comes from, such as `"sources[3]"`, for messages.

    Returns:
        The line, without a byte-order mark at its start.

    Raises:
        TypeError: If the line is not a string, such as a missing value.
        InputError: If it is not valid Unicode text.
    """
    if isinstance(line, bytes):
        try:
            line = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{place} is not UTF-8: byte 0x{line[error.start]:02x} at index {error.start}"
            ) from None
    if not isinstance(line, str):
        raise TypeError(f"{place} is {short_repr(line)}; expected a string")
    if not line.isascii():
        try:
            line.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{place} has a lone surrogate at index {error.start}; expected Unicode text"
            ) from None
    return line.removeprefix(BYTE_ORDER_MARK)


def check_lines(lines: Iterable[str | bytes], name: str) -> Iterator[str]:
    """Checks the lines of a text in memory.

    Args:
        lines: The lines: a list, a column of a table and so on.
        name: The name of the text in messages.

    Returns:
        Iterator over the lines, each checked by `check_line`.

    Raises:
        TypeError: If `lines` is not an iterable of lines. Strings, dictionaries and tables could
            also be iterated, but their items are not lines.
    """
    no_lines = (str, bytes, os.PathLike, Mapping)
    if isinstance(lines, no_lines) or hasattr(lines, "columns") or not hasattr(lines, "__iter__"):
        raise TypeError(f"`{name}` must be an iterable of lines. Received: {short_repr(lines)}")
    return (check_line(line, f"{name}[{index}]") for index, line in enumerate(lines))


def short_repr(value: object) -> str:
    """Returns the representation of a value in one short line, for messages."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _raw_lines(stream: BinaryIO, name: str | os.PathLike) -> Iterator[bytes]:
    for number in count(1):
        line = _read_line(stream, f"{name}:{number}")
        # Carriage returns at the end of a file do not count as a line.
        if not line.strip(b"\r"):
            return
        yield line


def _read_line(stream: BinaryIO, place: str) -> bytes:
    try:
        line = stream.readline(MAX_LINE_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{place}: damaged gzip data ({error}); copy or compress the file again"
        ) from None
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error.strerror})") from None
    if len(line) > MAX_LINE_BYTES:
        raise UserError(
            f"{place}: longer than {MAX_LINE_BYTES} bytes; expected a text file with one "
            "sequence per line"
        )
    return line


def _decode_line(line: bytes, place: str) -> str:
    if line.startswith(_GZIP_MAGIC):
        raise UserError(f"{place}: gzip data; rename the file so that it ends in .gz")
    if b"\0" in line:
        raise UserError(f"{place}: NUL byte, as in a binary file; expected UTF-8 text")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{place}: not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}; "
            "convert the file, for example with iconv -t UTF-8"
        ) from None
    return text.rstrip("\n").replace("\r", "").removeprefix(BYTE_ORDER_MARK)


def _near_miss(path: Path) -> str:
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return f"; did you mean {other}?" if other.is_file() else ""
