"""Opening files that others may have written: regular files only, of a limited size."""

import os
import stat
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO

from keras_seq2seq.errors import UserError

# Configurations and records have a few kilobytes.
MAX_SMALL_BYTES = 2**24

# The suffixes of compressed files.
COMPRESSION_SUFFIXES = (".gz", ".zst", ".xz")

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe, which can be read only once",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def exists(path: str | os.PathLike) -> bool:
    """Returns whether there is a file or directory, links followed.

    Raises:
        UserError: If this cannot be determined, for example because a directory may not be entered.
    """
    try:
        os.stat(path)
    # A path with a NUL character is a ValueError.
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror})") from None
    return True


def open_regular_file(path: str | os.PathLike) -> BinaryIO:
    """Opens a file for reading bytes, without ever waiting for a pipe or reading a device.

    Args:
        path: The file. Symbolic links are followed.

    Returns:
        The open binary file.

    Raises:
        UserError: If the file is missing, unreadable, or not a regular file.
    """
    check_not_empty(path)
    path = Path(path)
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind != stat.S_IFREG:
            raise UserError(
                f"{path}: is {_KINDS.get(kind, 'not a regular file')}; expected a regular file"
            )
        return path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{_near_miss(path)}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror})") from None
    # A path with a NUL character.
    except ValueError as error:
        raise UserError(f"{str(path)!r}: cannot be opened ({error})") from None


def check_not_empty(path: str | os.PathLike):
    """Raises `UserError` if a path is empty, such as that of an unset shell variable."""
    if os.fspath(path) == "":
        raise UserError("expected the path of a file, got an empty one")


def read_small_file(path: str | os.PathLike, max_bytes: int = MAX_SMALL_BYTES) -> bytes:
    """Reads a file that must not be large, such as a configuration.

    Args:
        path: The file.
        max_bytes: The maximum size.

    Raises:
        UserError: If the file cannot be opened, see `open_regular_file`, or read, or if it is too
            large.
    """
    with open_regular_file(path) as file:
        try:
            content = file.read(max_bytes + 1)
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > max_bytes:
        raise UserError(f"{path}: larger than {max_bytes} bytes; expected a small file")
    return content


def read_small_file_if_any(
    path: str | os.PathLike, max_bytes: int = MAX_SMALL_BYTES
) -> bytes | None:
    """Reads a file as `read_small_file` does, or returns `None` if there is no such file."""
    return read_small_file(path, max_bytes) if os.path.lexists(path) else None


def find_files(name: str) -> list[str]:
    """Returns the file of that name, or else the files that match the name as a pattern.

    Args:
        name: The name of a file, or a pattern with `*`, `?` or `[...]`. It is only a pattern if
            there is no such file.

    Returns:
        The files, sorted by name and not opened: only `name` if that file exists or if nothing
        matches.
    """
    # A file name cannot contain a NUL character.
    if "\0" in name or os.path.lexists(name) or not has_magic(name):
        return [name]
    return sorted(glob(name)) or [name]


def _near_miss(path: Path) -> str:
    is_compressed = path.suffix in COMPRESSION_SUFFIXES
    names = [path.stem] if is_compressed else [path.name + end for end in COMPRESSION_SUFFIXES]
    others = [path.with_name(name) for name in names if path.name]
    found = [other for other in others if other.is_file()]
    return f"; did you mean {found[0]}?" if found else ""
