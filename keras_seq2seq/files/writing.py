"""Writing files atomically, and numbered files of sentences."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from keras_seq2seq.errors import UserError


@contextmanager
def atomic_file(path: str | os.PathLike, binary: bool = False) -> Iterator[IO]:
    """Opens a file for writing, which is put in place only when the block ends without an error.

    The data is written to a temporary file, then renamed, so a kill at any moment leaves either
    the old file or the complete new one.

    Args:
        path: Path of the file. An existing file is replaced.
        binary: Whether to write bytes instead of text.

    Yields:
        The open file. Text is encoded as UTF-8, with line feeds on every platform.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        text = {} if binary else {"encoding": "utf-8", "newline": "\n"}
        with temporary.open("wb" if binary else "w", **text) as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
            self.directory.mkdir(parents=True, exist_ok=True)
            is_empty = not any(self.directory.iterdir())
        except OSError as error:
            raise UserError(
                f"{directory}: cannot be used as a directory ({error.strerror})"
            ) from None
        if not is_empty:
            raise UserError(f"{directory}: not empty; expected a new or empty directory")

    def path(self, number: int, suffix: str) -> Path:
        """Returns the path of the file of a sentence.

        Args:
            number: The number of the sentence, starting at 1.
            suffix: The extension of the file, with its dot.
        """
        return self.directory / f"{number:0{_DIGITS}}{suffix}"
