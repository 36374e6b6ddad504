"""Standard streams that are closed, cut off, or limited to a few characters."""

import codecs
import os
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_PLAIN = "keras_seq2seq_plain"


class LenientStream:
    """A text stream that discards its output once it can no longer be written.

    Progress and messages are not worth losing a run for: the reader of a pipe may exit, and a
    terminal may be closed.

    Args:
        stream: The text stream.

    Example:
        >>> print("step 100", file=LenientStream(sys.stderr))
    """

    def __init__(self, stream: TextIO):
        self._stream = stream

        # No `buffer`, which would allow others to write without this class.
        self.encoding = getattr(stream, "encoding", None)
        self.errors = getattr(stream, "errors", None)
        self.isatty = stream.isatty
        self.fileno = stream.fileno

    def write(self, text: str) -> int:
        """Writes or discards text, and returns its length."""
        try:
            self._stream.write(text)
        except OSError:
            discard_output(self._stream)
        return len(text)

    def flush(self):
        """Flushes the stream, or discards what it has buffered."""
        try:
            self._stream.flush()
        except OSError:
            discard_output(self._stream)

    def close(self):
        """Flushes the stream and leaves it open, since it belongs to the program."""
        self.flush()


def discard_output(stream: TextIO):
    """Redirects the file descriptor of a stream to the null device.

    Otherwise Python would report the same error again when it flushes the stream at exit.

    Args:
        stream: The stream. Nothing is done if it has no file descriptor or is closed.
    """
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


@contextmanager
def prepared_streams() -> Iterator[None]:
    """Prepares the standard streams for a program, until the end of the block.

    - File descriptors 0 to 2 that are closed, as those of a daemon, are opened on the null device.
      Otherwise the next files that are opened would get these numbers and with them the messages
      of TensorFlow. `sys.stdin` and the like stay `None`.
    - Characters that the encoding of a stream lacks are replaced by plain ones, or else by
      backslash escapes.
    - `sys.stderr` becomes a `LenientStream`.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_PLAIN)
    before = sys.stderr
    if before is not None:
        sys.stderr = LenientStream(before)
    try:
        yield
    finally:
        sys.stderr = before


def _to_plain_text(error: UnicodeError) -> tuple[str, int]:
    """Replaces characters that cannot be encoded, such as the lines of tables in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(map(_to_plain_character, characters)), error.end


def _to_plain_character(character: str) -> str:
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        has_vertical = any(word in name for word in ("VERTICAL", "UP", "DOWN"))
        has_horizontal = any(word in name for word in ("HORIZONTAL", "LEFT", "RIGHT"))
        return "+" if has_vertical and has_horizontal else "|" if has_vertical else "-"
    if character == "…":
        return "..."
    return character.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(_PLAIN, _to_plain_text)


@contextmanager
def muted_standard_error() -> Iterator[None]:
    """Discards what is written to file descriptor 2 within the block, even by native code.

    Several threads may be in such blocks at the same time; output appears again when the last one
    leaves.
    """
    _muting.begin()
    try:
        yield
    finally:
        _muting.end()


class _Muting:
    """Redirects file descriptor 2, which all threads share, while at least one block needs it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._blocks = 0
        # A copy of the original descriptor, or `None` if it is closed.
        self._saved: int | None = None

    def begin(self):
        with self._lock:
            if self._blocks == 0:
                if sys.stderr is not None:
                    sys.stderr.flush()
                self._saved = _redirect_to_null(2)
            self._blocks += 1

    def end(self):
        with self._lock:
            self._blocks -= 1
            if self._blocks == 0 and self._saved is not None:
                os.dup2(self._saved, 2)
                os.close(self._saved)


_muting = _Muting()


def _redirect_to_null(number: int) -> int | None:
    """Redirects a file descriptor, and returns a copy of it, or `None` if it is closed."""
    try:
        saved = os.dup(number)
    except OSError:
        return None
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
    return saved
