"""One side of parallel text: the lines of files, or lines in memory.

Each kind of text has the same two views: iteration in plain Python, for checks and statistics, and
`dataset()`, for the `tf.data` pipeline.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import chain, groupby, islice
from typing import Any

import numpy as np

from keras_seq2seq.columns import plain_items
from keras_seq2seq.errors import InputError
from keras_seq2seq.files.compression import open_text, tensorflow_compression
from keras_seq2seq.files.reading import find_files
from keras_seq2seq.files.text_lines import (
    check_lines,
    count_lines,
    decode_lines,
    read_lines,
    short_repr,
)

# Number of lines that are passed to TensorFlow at once.
_LINES_AT_ONCE = 1024


class FileLines:
    """The lines of one or more text files, read on demand.

    Args:
        paths: The files, plain or compressed, read one after the other.
    """

    is_in_memory = False

    def __init__(self, paths: list[str]):
        self.paths = paths
        self.name = name_of(paths, "files")
        # TensorFlow's names of the compressions of files, if already determined.
        self._compressions: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(self.read_file, self.paths))

    def read_file(self, path: str) -> Iterator[str]:
        """Yields the lines of one of the files."""
        with open_text(path) as stream:
            yield from decode_lines(stream, path)
            self._compressions[path] = tensorflow_compression(path, stream)

    def counts(self) -> dict[str, int]:
        """Returns the number of lines of each file."""
        return {path: count_lines(path) for path in self.paths}

    def dataset(self):
        """Returns a `tf.data.Dataset` of scalar strings."""

        parts = [
            _python_dataset(list(paths)) if compression is None else _dataset(paths, compression)
            for compression, paths in groupby(self.paths, self._compression)
        ]
        dataset = parts[0]
        for part in parts[1:]:
            dataset = dataset.concatenate(part)
        return dataset

    def _compression(self, path: str) -> str | None:
        if path not in self._compressions:
            self._compressions[path] = tensorflow_compression(path)
        return self._compressions[path]


def _dataset(paths: Iterable[str], compression: str):
    import tensorflow as tf

    # A file name is bytes, which need not be UTF-8.
    names = [os.fsencode(path) for path in paths]
    return tf.data.TextLineDataset(names, compression_type=compression)


def _python_dataset(paths: list[str]):
    import tensorflow as tf

    def groups() -> Iterator[list[bytes]]:
        lines = chain.from_iterable(map(read_lines, paths))
        while group := [line.encode() for line in islice(lines, _LINES_AT_ONCE)]:
            yield group

    return tf.data.Dataset.from_generator(
        groups, output_signature=tf.TensorSpec([None], tf.string)
    ).unbatch()


class StringLines:
    """Lines of text in memory.

    Args:
        strings: The lines, checked.
        name: The name of the text in messages.
    """

    is_in_memory = True

    def __init__(self, strings: list[str], name: str):
        if not strings:
            raise InputError(f"{name} is empty; expected at least one string")
        self.strings, self.name = strings, name

    def __iter__(self) -> Iterator[str]:
        return iter(self.strings)

    def counts(self) -> dict[str, int]:
        """Returns the number of lines."""
        return {self.name: len(self.strings)}

    def dataset(self):
        """Returns a `tf.data.Dataset` of scalar strings."""
        import tensorflow as tf

        # An eager tensor is an input of the graphs that use it. A constant within a graph would be
        # copied with it, and limited to 2 GB.
        with tf.init_scope():
            tensor = tf.constant(np.array(self.strings, dtype=object), tf.string)
            return tf.data.Dataset.from_tensor_slices(tensor)


def as_lines(text: Any, name: str) -> FileLines | StringLines:
    """Returns the lines of a file, of several files, or of a sequence of strings.

    Args:
        text: The name of a file or a pattern, a path, a list of paths, or a sequence of strings.
        name: The name of the text in messages.

    Raises:
        InputError: If there is no such file or no line, or if the lines are names of files.
        TypeError: If the argument or an item has the wrong type.
    """
    if isinstance(text, (str, os.PathLike)):
        return FileLines(find_text_files(text))
    text = text.numpy() if _is_tensor(text) else plain_items(text)
    if not is_sequence(text):
        raise TypeError(
            f"{name} must be a file or a sequence of strings such as a list or a column of a "
            f"DataFrame. Received: {short_repr(text)}"
        )
    items = list(text)
    if items and all(isinstance(item, os.PathLike) for item in items):
        return FileLines(list(chain.from_iterable(map(find_text_files, items))))
    strings = list(check_lines(items, name))
    if strings and all(map(os.path.isfile, strings)):
        raise InputError(
            f"{name} consists of names of existing files, such as {strings[0]!r}; pass "
            "pathlib.Path objects to read them"
        )
    return StringLines(strings, name)


def find_text_files(path: str | os.PathLike) -> list[str]:
    """Returns the file of that name. If there is none, a string is a pattern for several files."""
    if isinstance(path, os.PathLike):
        files = [os.fspath(path)]
    else:
        files = find_files(path)
        if "\0" in path or not os.path.lexists(files[0]):
            # Most likely text, which may not even be a valid file name.
            raise InputError(
                f"{short_repr(path)}: no such file; expected a file, or text as a list of strings"
            )
    for file in files:
        open_text(file).close()
    return files


def is_sequence(value: Any) -> bool:
    """Returns whether a value has a length and items in a fixed order, and is not a table."""
    return (
        hasattr(value, "__len__")
        and hasattr(value, "__iter__")
        and not isinstance(value, (bytes, Set))
        and column_names(value) is None
    )


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "numpy") and hasattr(value, "shape")


def column_names(value: Any) -> list | None:
    """Returns the names of the columns of a table, or `None` for everything else.

    Lazy tables, which have a method `collect`, are not tables here: their columns cannot be read.
    """
    if isinstance(value, Mapping):
        return list(value)
    if not hasattr(value, "__getitem__") or hasattr(value, "collect"):
        return None
    names = getattr(value, "column_names", getattr(value, "columns", None))
    return None if names is None else list(names)


def name_of(names: list[str], what: str) -> str:
    """Returns one name for a file or a corpus, or for several."""
    return names[0] if len(names) == 1 else f"{names[0]}, ... ({len(names)} {what})"


def no_lines(name: str) -> InputError:
    """Returns the error that a file has no lines."""
    return InputError(f"{name}: empty file; expected text with one sequence per line")


def unequal_counts(source: str, source_count: int, target: str, target_count: int) -> InputError:
    """Returns the error that two texts have different numbers of lines."""
    lines = "line" if source_count == 1 else "lines"
    return InputError(
        f"{source} has {source_count} {lines}, but {target} has {target_count}; expected "
        "line-aligned text"
    )
