"""Reading text line by line, with errors that include the line number.

Only a line feed ends a line, and carriage returns before it are removed, as by
`tf.data.TextLineDataset`. Other carriage returns are errors: `TextLineDataset` would join the words
around them.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import count
from typing import BinaryIO

from keras_seq2seq.columns import is_table
from keras_seq2seq.errors import InputError, UserError
from keras_seq2seq.files.compression import DamagedDataError, compression_of, open_text

BYTE_ORDER_MARK = "\ufeff"

# Longer lines are rejected. Without a limit, a file without line feeds would be read into memory as
# a whole.
MAX_LINE_BYTES = 2**20

# The first bytes of files that are not text.
_FOREIGN = {
    b"\x1f\x8b": "gzip data; rename the file so that it ends in .gz",
    b"\x28\xb5\x2f\xfd": "Zstandard data; rename the file so that it ends in .zst",
    b"\xfd7zXZ\0": "xz data; rename the file so that it ends in .xz",
    b"BZh91AY&SY": "bzip2 data; decompress the file, or compress it with gzip",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"\xff\xfe": "UTF-16; convert the file, for example with iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "UTF-16; convert the file, for example with iconv -f UTF-16 -t UTF-8",
}
_FOREIGN_STARTS = tuple(_FOREIGN)


def read_lines(path: str | os.PathLike, is_joined: bool = True) -> Iterator[str]:
    """Reads a plain or compressed text file line by line, in constant memory.

    Args:
        path: The file. It is decompressed as by `open_text`.
        is_joined: See `decode_lines`.

    Yields:
        The lines, see `decode_lines`.

    Raises:
        UserError: In the cases of `open_text` and `decode_lines`.
    """
    with open_text(path) as stream:
        yield from decode_lines(stream, path, is_joined)


def decode_lines(
    stream: BinaryIO, name: str | os.PathLike, is_joined: bool = True
) -> Iterator[str]:
    """Decodes an open binary file, such as standard input, line by line.

    Args:
        stream: The open binary file.
        name: The name of the file in messages.
        is_joined: Whether the file may have been joined from several files, so that any line can
            start with a byte-order mark. Otherwise, only the first one can.

    Yields:
        Each line without its line feed, carriage returns before it, and the byte-order mark at its
        start.

    Raises:
        UserError: If the data is not UTF-8, contains a NUL byte, a carriage return within a line or
            a line longer than `MAX_LINE_BYTES`, or is damaged compressed data. The message includes
            the line number.
    """
    for number, line in enumerate(raw_lines(stream, name), 1):
        # Carriage returns at the end of a file do not count as a line.
        if not line.strip(b"\r"):
            return
        text = _decode_line(line, f"{name}:{number}")
        yield text.removeprefix(BYTE_ORDER_MARK) if is_joined or number == 1 else text


def raw_lines(stream: BinaryIO, name: str | os.PathLike) -> Iterator[bytes]:
    """Reads an open binary file line by line, in constant memory.

    Args:
        stream: The open binary file.
        name: The name of the file in messages.

    Yields:
        Each line with its line feed.

    Raises:
        UserError: If the data contains a line longer than `MAX_LINE_BYTES`, or is damaged
            compressed data. The message includes the line number.
    """
    for number in count(1):
        line = _read_line(stream, f"{name}:{number}")
        if not line:
            return
        yield line


def count_lines(path: str | os.PathLike) -> int:
    """Returns the number of lines of a plain or compressed text file, without decoding them.

    Args:
        path: The file. It is decompressed as by `open_text`.

    Raises:
        UserError: If the file cannot be read, is damaged compressed data, or has a line longer than
            `MAX_LINE_BYTES`.
    """
    with open_text(path) as stream:
        # Carriage returns at the end of a file do not count as a line.
        return sum(1 for line in raw_lines(stream, path) if line.strip(b"\r"))


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
    is_one = isinstance(lines, (str, bytes, os.PathLike))
    if is_one or is_table(lines) or not hasattr(lines, "__iter__"):
        raise TypeError(f"`{name}` must be an iterable of lines. Received: {short_repr(lines)}")
    return (check_line(line, f"{name}[{index}]") for index, line in enumerate(lines))


def damaged(place: str, kind: str, error: Exception) -> UserError:
    """Returns the error that a file is damaged."""
    reason = " ".join(str(error).split())
    return UserError(f"{place}: damaged {kind} data ({reason}); copy or compress the file again")


def short_repr(value: object) -> str:
    """Returns the representation of a value in one short line, for messages."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_line(stream: BinaryIO, place: str) -> bytes:
    try:
        # Two more bytes for the end of the line.
        line = stream.readline(MAX_LINE_BYTES + 2)
    except DamagedDataError as error:
        raise damaged(place, compression_of(stream), error) from None
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error.strerror})") from None
    if len(line.removesuffix(b"\n").removesuffix(b"\r")) > MAX_LINE_BYTES:
        # Files of old Macs look like one long line.
        _check_line_ends(line.rstrip(b"\r\n"), place)
        raise UserError(
            f"{place}: longer than {MAX_LINE_BYTES} bytes; expected a text file with one "
            "sequence per line"
        )
    return line


def _decode_line(line: bytes, place: str) -> str:
    if line.startswith(_FOREIGN_STARTS):
        kind = next(kind for start, kind in _FOREIGN.items() if line.startswith(start))
        raise UserError(f"{place}: {kind}")
    if b"\0" in line:
        raise UserError(f"{place}: NUL byte, as in a binary file or UTF-16; expected UTF-8 text")
    line = line.removesuffix(b"\n").rstrip(b"\r")
    _check_line_ends(line, place)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{place}: not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}; "
            "convert the file, for example with iconv -f LATIN1 -t UTF-8"
        ) from None


def _check_line_ends(line: bytes, place: str):
    if b"\r" in line:
        raise UserError(
            f"{place}: carriage return at column {line.index(13) + 1} within the line; expected a "
            "line feed at the end of each line (convert the file, for example with tr '\\r' '\\n')"
        )
