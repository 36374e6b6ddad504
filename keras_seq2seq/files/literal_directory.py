"""Names of files that are patterns to some libraries, or not UTF-8."""

import os
import re
import weakref

_DESCRIPTORS = "/proc/self/fd"


class LiteralDirectory:
    """A path of a directory without special characters.

    The checkpoints of TensorFlow find their files with patterns, in which `[`, `*` and others have
    a special meaning, and accept UTF-8 only. For a directory with such a name, `path` refers to the
    open directory by the number of its file descriptor.

    Args:
        path: The directory, which is created if it does not exist.

    Attributes:
        path: A path of the directory, which is valid as long as this object exists. It is the
            original one if that has no special characters, or if the system has no `/proc`.

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


def printable(text: str) -> str:
    r"""Returns text that can be encoded as UTF-8, for files that are only read by people.

    Bytes of file names that are not UTF-8, which Python represents by surrogates, become escapes
    such as `\udcff`.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
