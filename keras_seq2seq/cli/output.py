"""Where a command writes its result."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from keras_seq2seq.errors import UserError


@contextmanager
def open_output(path: str | None) -> Iterator[TextIO]:
    """Opens a file for a result, or standard output: UTF-8, lines ended by a line feed.

    Args:
        path: The file, which appears when the block ends without an error and replaces one that
            is there; None for standard output.

    Yields:
        The open file.

    Raises:
        UserError: If the file cannot be written.
    """
    from keras_seq2seq.data.atomic_file import atomic_file

    with ExitStack() as stack:
        try:
            if path is None:
                file = _standard_output()
            elif Path(path).exists() and not Path(path).is_file():
                # A device or a pipe (a directory raises here): renaming would replace it.
                file = stack.enter_context(open(path, "w", encoding="utf-8", newline="\n"))
            else:
                file = stack.enter_context(atomic_file(path))
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from None
        yield file
        file.flush()


def _standard_output() -> TextIO:
    # Whatever the locale says: what is read is UTF-8 too.
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout
