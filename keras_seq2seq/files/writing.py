"""Writing files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from keras_seq2seq.errors import UserError


@contextmanager
def atomic_file(path: str | os.PathLike, binary: bool = False) -> Iterator[IO]:
    """Opens a file that appears under its name only when the block ends without an error.

    It is written beside its final place and renamed, so that whoever stops the program at any
    moment finds the old file or the new one, never half of one.

    Args:
        path: Where the file shall be. One that is there already is replaced.
        binary: Whether bytes are written instead of text.

    Yields:
        The open file; of text: UTF-8, lines ended by a line feed on every system.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        text = {} if binary else {"encoding": "utf-8", "newline": "\n"}
        with beside.open("wb" if binary else "w", **text) as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


# Files stay in the order of the sentences, as far as a shell lists them, up to a million.
_DIGITS = 6


class NumberedFiles:
    """Makes a directory, and names the files of its sentences.

    Args:
        directory: Where the files shall be. It is made, or is there and empty: files of two runs
            are never mixed.

    Raises:
        UserError: If it has files, or cannot be written.

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
                f"{directory}: cannot be written to as a directory ({error.strerror})"
            ) from None
        if not is_empty:
            raise UserError(
                f"{directory}: has files in it, expected a new or an empty directory; name another "
                "one or remove them"
            )

    def path(self, number: int, suffix: str) -> Path:
        """Returns the path of a sentence's file.

        Args:
            number: The number of the sentence, 1 for the first.
            suffix: The kind of file, with its dot.
        """
        return self.directory / f"{number:0{_DIGITS}}{suffix}"
