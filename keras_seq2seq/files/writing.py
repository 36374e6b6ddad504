"""Writing files and directories atomically, and numbered files of sentences.

The temporary file of `NAME` is `.NAME.0.tmp`, or has the next number if another process is writing
to that one, which it locks. If a kill leaves it behind, the next process that writes the same
output uses it again.
"""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO

from keras_seq2seq.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Windows has neither of these flags.
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)

# What an empty file system contains.
_LOST_FILES = "lost+found"

# Leaves room for the rest of a temporary name, in any script.
_MAX_NAME_BYTES = 200

# The temporary files and directories of this process.
_unfinished: set[Path] = set()


def remove_unfinished():
    """Removes the temporary files and directories of this process, which must end then."""
    for path in list(_unfinished):
        _remove(path)


def _remove(path: Path):
    """Removes a file or directory, as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()


@contextmanager
def atomic_file(path: str | os.PathLike, binary: bool = False) -> Iterator[IO]:
    """Opens a file for writing, which is put in place only when the block ends without an error.

    The data is written to a temporary file, which is flushed to the disk, then renamed. A kill or
    crash at any moment leaves either the old file or the complete new one. Temporary files that
    killed processes left behind are removed.

    Args:
        path: Path of the file. An existing file is replaced by one with the same permissions. A
            symbolic link stays, and the file it refers to is replaced.
        binary: Whether to write bytes instead of text.

    Yields:
        The open file. Text is encoded as UTF-8, with line feeds on every platform.

    Raises:
        OSError: If the file cannot be written, or if the path is that of a directory, a device or a
            pipe, which must not be replaced; `filename` is set.
    """
    # Through links, so that they are not replaced.
    path = Path(os.path.realpath(path))
    with naming_errors(path):
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "not a regular file")
        temporary, descriptor = _lock_temporary(path, path.parent, os.O_RDWR | os.O_CREAT)
        text = {} if binary else {"encoding": "utf-8", "newline": "\n"}
        with os.fdopen(descriptor, "wb" if binary else "w", **text) as file:
            # Closing the file ends the lock, so it is renamed or removed before that.
            try:
                os.ftruncate(descriptor, 0)
                yield file
                file.flush()
                os.fsync(descriptor)
                _copy_mode(path, temporary)
                if fcntl is None:
                    # Windows does not rename open files.
                    file.close()
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            finally:
                _unfinished.discard(temporary)


@contextmanager
def atomic_directory(path: str | os.PathLike) -> Iterator[Path]:
    """Creates a directory, which is put in place only when the block ends without an error.

    Args:
        path: Path of the directory, which must be new or empty.

    Yields:
        The path of a temporary directory to write to, next to `path`.

    Raises:
        UserError: If the directory contains files or cannot be created.
        OSError: If it cannot be put in place.
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_empty(path)
        temporary, lock = _make_temporary_directory(path)
    except OSError as error:
        raise _not_usable(path, error) from None
    try:
        yield temporary
        with naming_errors(path):
            _put_directory_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _unfinished.discard(temporary)
        os.close(lock)


def make_directory(path: str | os.PathLike):
    """Creates a directory and its parents, unless it exists.

    A link to a directory that does not exist is followed.

    Raises:
        OSError: If that is not possible.
    """
    os.makedirs(os.path.realpath(path), exist_ok=True)


def check_empty(path: str | os.PathLike):
    """Checks that a directory is new or empty, as `atomic_directory` does.

    Raises:
        UserError: If it contains files, or is not a directory.
    """
    path = Path(os.path.realpath(path))
    try:
        names = [file.name for file in path.iterdir()] if path.exists() else []
    except OSError as error:
        raise _not_usable(path, error) from None
    if any(name != _LOST_FILES and not _is_temporary_name(name, path.name) for name in names):
        raise UserError(f"{path}: not empty; expected a new or empty directory")


def _not_usable(path: str | os.PathLike, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be used as a directory ({error.strerror})")


def _put_directory_in_place(temporary: Path, path: Path):
    _copy_mode(path, temporary)
    try:
        # The shell in the working directory would stay in the old one.
        if path.is_dir() and path.samefile(os.curdir):
            raise OSError(errno.EBUSY, "in use")
        # Mount points cannot be replaced.
        temporary.replace(path)
    except OSError:
        if not path.is_dir():
            raise
        # Another run may have filled it in the meantime.
        check_empty(path)
        for file in sorted(temporary.iterdir()):
            file.replace(path / file.name)


def replace_file(path: Path, temporary: Path):
    """Puts a complete file in place of another one, with its permissions, or in a free place.

    Args:
        path: The file to replace. A symbolic link would be replaced itself.
        temporary: The new file, in the same directory or another one of the same file system.

    Raises:
        OSError: If that is not possible.
    """
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    _copy_mode(path, temporary)
    temporary.replace(path)


@contextmanager
def naming_errors(path: str | os.PathLike) -> Iterator[None]:
    """Adds the path to system errors within the block that have none, such as a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def _copy_mode(path: Path, temporary: Path):
    """Gives a temporary file the permissions of the file that it will replace, if there is one."""
    with suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(path.stat().st_mode))


def _temporary_name(name: str, number: int) -> str:
    return f".{os.fsdecode(os.fsencode(name)[:_MAX_NAME_BYTES])}.{number}.tmp"


def _is_temporary_name(name: str, of: str) -> bool:
    number = name.removesuffix(".tmp").rpartition(".")[2]
    return number.isdecimal() and name == _temporary_name(of, int(number))


def _lock_temporary(path: Path, parent: Path, flags: int) -> tuple[Path, int]:
    """Opens the first temporary file or directory of a path that no other process uses.

    Args:
        path: The path of the output.
        parent: The directory of the temporary file.
        flags: How to open it. A directory is created if it does not exist.

    Returns:
        Its path, and a file descriptor. The lock ends when this is closed.
    """
    for number in count():
        temporary = parent / _temporary_name(path.name, number)
        if flags & _DIRECTORY:
            with suppress(FileExistsError):
                temporary.mkdir()
        try:
            descriptor = os.open(temporary, flags | NO_LINK, 0o666)
        except OSError as error:
            # Something else has this name.
            is_taken = error.errno in (errno.ELOOP, errno.EISDIR, errno.ENOTDIR)
            if is_taken and parent.is_dir():
                continue
            raise
        if try_to_lock(descriptor) and is_same_file(temporary, descriptor):
            _unfinished.add(temporary)
            return temporary, descriptor
        os.close(descriptor)


def remove_unfinished_files(directory: Path):
    """Removes the temporary files in a directory that killed processes left there.

    Those of living processes stay, and so do temporary directories, which `atomic_directory` uses
    again.
    """
    for path in directory.glob(".*.tmp"):
        if not re.fullmatch(r"\..+\.[0-9]+\.tmp", path.name, re.DOTALL):
            continue
        # What cannot be opened is not a temporary file, or is in use.
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | NO_LINK)
            try:
                if try_to_lock(descriptor) and is_same_file(path, descriptor):
                    path.unlink()
            finally:
                os.close(descriptor)


def try_to_lock(descriptor: int) -> bool:
    """Locks an open file until it is closed, where the system has locks.

    Args:
        descriptor: Its file descriptor.

    Returns:
        `False` if another process has locked the file.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some shared file systems have no locks.
        return True
    return True


def is_same_file(path: Path, descriptor: int) -> bool:
    """Returns whether an open file still has its path, which another process may have changed."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _make_temporary_directory(path: Path) -> tuple[Path, int]:
    """Returns the path of a new temporary directory, and a file descriptor that locks it."""
    flags = os.O_RDONLY | _DIRECTORY
    try:
        temporary, lock = _lock_temporary(path, path.parent, flags)
    except PermissionError:
        # Of a mount point, only the directory itself may be writable.
        if not path.is_dir():
            raise
        temporary, lock = _lock_temporary(path, path, flags)
    for file in temporary.iterdir():
        shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()
    return temporary, lock


# Up to a million files are listed in the order of the sentences.
_DIGITS = 6


class NumberedFiles:
    """Creates a directory, and returns paths for the files of its sentences.

    Args:
        directory: The directory, which must be new or empty, so that files of two runs are never
            mixed.

    Raises:
        UserError: If it contains files or cannot be written to.

    Example:
        >>> NumberedFiles("pictures").path(7, ".png")
        PosixPath('pictures/000007.png')
    """

    def __init__(self, directory: str | os.PathLike):
        self.directory = Path(directory)
        try:
            make_directory(self.directory)
            is_empty = not any(self.directory.iterdir())
        except OSError as error:
            raise _not_usable(directory, error) from None
        if not is_empty:
            raise UserError(f"{directory}: not empty; expected a new or empty directory")

    def path(self, number: int, suffix: str) -> Path:
        """Returns the path of the file of a sentence.

        Args:
            number: The number of the sentence, starting at 1.
            suffix: The extension of the file, with its dot.
        """
        return self.directory / f"{number:0{_DIGITS}}{suffix}"
