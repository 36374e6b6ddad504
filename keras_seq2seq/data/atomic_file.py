"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


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
