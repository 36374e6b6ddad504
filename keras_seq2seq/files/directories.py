"""Directories: locks, and names that are not UTF-8 or that some libraries treat as patterns."""

import errno
import json
import os
import platform
import re
import shutil
import stat
import weakref
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.writing import NO_LINK, is_same_file, make_directory, try_to_lock

_FILE = "run.lock"
# Windows does not have this flag.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_DESCRIPTORS = "/proc/self/fd"


class DirectoryLock:
    """Reserves a directory for one process, as a context manager.

    The lock is that of the operating system on the file `run.lock` (`flock`), which is released
    when the process ends, even if it is killed, so a lock never has to be removed by hand. It also
    works between containers that share a file system, and between machines if the network file
    system supports locks, as NFS does. On a file system without locks, nothing is reserved.

    Args:
        path: The directory, which is created.

    Raises:
        UserError: On entering the block, if the directory cannot be written or another process has
            reserved it. The message names the process and its host.

    Example:
        >>> with DirectoryLock("model"):
        ...     train()
    """

    def __init__(self, path: str | os.PathLike):
        self._directory = Path(path)
        self._path = self._directory / _FILE
        self._file = None

    def __enter__(self) -> "DirectoryLock":
        try:
            make_directory(self._directory)
            self._file = self._lock()
        except OSError as error:
            raise self._cannot_be_written(error) from error
        holder = {
            "process": os.getpid(),
            "host": platform.node(),
            "since": datetime.now(timezone.utc).isoformat(" ", timespec="seconds"),
        }
        self._file.truncate(0)
        self._file.write(json.dumps(holder).encode())
        self._file.flush()
        return self

    def __exit__(self, *error):
        # While the file is locked, so that no other process can have locked it.
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._file.close()

    def check(self):
        """Checks that no other process has reserved the directory, without writing anything.

        Raises:
            UserError: If another process has reserved it.
        """
        try:
            with self._open("rb", os.O_RDONLY) as file:
                self._try_to_lock(file)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _cannot_be_written(self, error: OSError) -> UserError:
        return UserError(f"{self._directory}: cannot be written ({error.strerror})")

    def _open(self, mode: str, flags: int) -> BinaryIO:
        """Opens the file of the lock, which must not be a link, and never waits for a pipe."""
        with suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISREG(self._path.lstat().st_mode):
                raise OSError(errno.EINVAL, f"{_FILE} is not a regular file; remove it")
        return os.fdopen(os.open(self._path, flags | NO_LINK | _NO_WAIT, 0o666), mode)

    def _lock(self):
        """Returns the locked file."""
        while True:
            file = self._open("r+b", os.O_RDWR | os.O_CREAT)
            try:
                self._try_to_lock(file)
                # The previous process may have removed the file after it was opened here.
                if is_same_file(self._path, file.fileno()):
                    return file
            except BaseException:
                file.close()
                raise
            file.close()

    def _try_to_lock(self, file):
        if not try_to_lock(file.fileno()):
            raise UserError(
                f"{self._directory}: in use by {_describe_holder(self._path)}; wait until that "
                "run ends, stop it, or choose another --output_dir"
            )


def _describe_holder(path: Path) -> str:
    try:
        with path.open("rb") as file:
            holder = json.loads(file.read(10_000))
        return f"process {holder['process']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"


class LiteralDirectory:
    """A path of a directory without special characters.

    The checkpoints of TensorFlow find their files with patterns, in which `[`, `*` and others have
    a special meaning, and accept UTF-8 only. For a directory with such a name, `path` refers to the
    open directory by the number of its file descriptor.

    Args:
        path: The directory, which is created if it does not exist.

    Attributes:
        path: A path of the directory, which is valid as long as this object exists. It is the
            original path if it has no special characters, or if the system has no `/proc`.

    Example:
        >>> LiteralDirectory("model").path
        'model'
        >>> LiteralDirectory("model[1]").path
        '/proc/self/fd/3'
    """

    def __init__(self, path: str | os.PathLike):
        self.path = os.fspath(path)
        # Surrogates represent bytes that are not UTF-8.
        if re.search(r"[*?\[\]\\{}\ud800-\udfff]", self.path) and os.path.isdir(_DESCRIPTORS):
            os.makedirs(path, exist_ok=True)
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            weakref.finalize(self, os.close, descriptor)
            self.path = f"{_DESCRIPTORS}/{descriptor}"


def check_not_deleted(inputs: Iterable[str | os.PathLike], outputs: Iterable[Path]):
    """Checks that no input is in a file or directory that `--resume never` deletes.

    Args:
        inputs: Files and directories that are read.
        outputs: Files and directories that are deleted if they exist.

    Raises:
        UserError: If one is.
    """
    outputs = [Path(os.path.realpath(path)) for path in outputs if os.path.lexists(path)]
    for name in inputs:
        path = Path(os.path.realpath(name))
        if any(output in (path, *path.parents) for output in outputs):
            raise UserError(
                f"{name}: would be deleted by --resume never; move it to another directory, or "
                "choose another --output_dir"
            )


def remove_outputs(paths: Iterable[Path]):
    """Removes files, and directories with all that they contain, as far as they exist.

    Links to directories stay, and the directories are emptied.
    """
    for path in paths:
        is_link_to_directory = path.is_symlink() and path.is_dir()
        for file in path.iterdir() if is_link_to_directory else [path]:
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file, ignore_errors=True)
            else:
                file.unlink(missing_ok=True)


def printable(text: str) -> str:
    r"""Returns text that can be encoded as UTF-8, for files that are only read by people.

    Bytes of file names that are not UTF-8, which Python represents by surrogates, become escapes
    such as `\udcff`.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
