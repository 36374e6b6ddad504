"""Pairs of lines from files, from text in memory, from tables and from streams.

Each kind of data has the same two views: iteration in plain Python, for checks and statistics, and
`dataset()`, for the `tf.data` pipeline.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from glob import glob, has_magic
from itertools import chain, groupby, islice, zip_longest
from typing import Any

import numpy as np

from keras_seq2seq.errors import InputError
from keras_seq2seq.files.text_lines import (
    check_line,
    check_lines,
    count_lines,
    open_text,
    read_lines,
    short_repr,
)

# Number of pairs of a generator that are passed to TensorFlow at once.
_PAIRS_AT_ONCE = 1024


class FileLines:
    """The lines of one or more text files, read on demand.

    Args:
        paths: The files, plain or `.gz`, read one after the other.
    """

    is_in_memory = False

    def __init__(self, paths: list[str]):
        self.paths = paths
        more = f" and {len(paths) - 1} more files" if len(paths) > 1 else ""
        self.name = f"{paths[0]}{more}"

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(read_lines, self.paths))

    def counts(self) -> dict[str, int]:
        """Returns the number of lines of each file."""
        return {path: count_lines(path) for path in self.paths}

    def dataset(self):
        """Returns a `tf.data.Dataset` of scalar strings."""
        import tensorflow as tf

        parts = [
            tf.data.TextLineDataset(list(paths), compression_type="GZIP" if is_gzip else "")
            for is_gzip, paths in groupby(self.paths, lambda path: path.endswith(".gz"))
        ]
        dataset = parts[0]
        for part in parts[1:]:
            dataset = dataset.concatenate(part)
        return dataset


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


class AlignedPairs:
    """Pairs of the lines of two texts.

    Args:
        source: `FileLines` or `StringLines`.
        target: The same for the target side.
    """

    def __init__(self, source: FileLines | StringLines, target: FileLines | StringLines):
        self.names = source.name, target.name
        self.is_in_memory = source.is_in_memory and target.is_in_memory
        self._sides = source, target

    def __iter__(self) -> Iterator[tuple[str | None, str | None]]:
        """Yields the pairs. After the end of one text, its lines are `None`."""
        return zip_longest(*self._sides)

    def check_counts(self):
        """Raises an `InputError` if the texts have different numbers of lines, or none.

        If both sides have the same number of files, each file is compared with its counterpart.
        """
        sides = [side.counts() for side in self._sides]
        for name, counts in zip(self.names, sides, strict=True):
            if not any(counts.values()):
                raise no_lines(name)
        if len(sides[0]) != len(sides[1]):
            sides = [
                {name: sum(counts.values())} for name, counts in zip(self.names, sides, strict=True)
            ]
        pairs = zip(*(counts.items() for counts in sides), strict=True)
        for (source, source_count), (target, target_count) in pairs:
            if source_count != target_count:
                raise unequal_counts(source, source_count, target, target_count)

    def dataset(self):
        """Returns a `tf.data.Dataset` of tuples of two scalar strings."""
        import tensorflow as tf

        return tf.data.Dataset.zip(tuple(side.dataset() for side in self._sides))


def no_lines(name: str) -> InputError:
    """Returns the error that a file has no lines."""
    return InputError(f"{name}: empty file; expected text with one sequence per line")


def unequal_counts(source: str, source_count: int, target: str, target_count: int) -> InputError:
    """Returns the error that two texts have different numbers of lines."""
    return InputError(
        f"{source} has {source_count} lines, but {target} has {target_count}; "
        "expected line-aligned text"
    )


class GeneratedPairs:
    """Pairs from a function that returns a new iterator at each call.

    Args:
        function: Function without arguments that returns an iterable of pairs of strings, such as
            a generator function.
    """

    names = "sources", "targets"
    is_in_memory = False

    def __init__(self, function: Callable[[], Iterable[tuple[str, str]]]):
        self._function = function
        first = function()
        if not hasattr(first, "__iter__"):
            raise TypeError(f"sources() returned {short_repr(first)}; expected pairs of strings")
        if first is iter(first) is function():
            raise InputError("sources() returned the same iterator twice; expected a new one")
        if next(iter(self), None) is None:
            raise InputError("sources() is empty; expected at least one pair of strings")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for index, pair in enumerate(self._function()):
            yield _check_pair(pair, f"sources()[{index}]")

    def check_counts(self):
        """Does nothing: both sides come together."""

    def dataset(self):
        """Returns a `tf.data.Dataset` of tuples of two scalar strings."""
        import tensorflow as tf

        def columns():
            pairs = iter(self)
            while rows := list(islice(pairs, _PAIRS_AT_ONCE)):
                yield tuple(np.array(column, dtype=object) for column in zip(*rows, strict=True))

        lines = tf.TensorSpec([None], tf.string)
        return tf.data.Dataset.from_generator(columns, output_signature=(lines, lines)).unbatch()


class DatasetPairs:
    """Pairs from a `tf.data.Dataset`.

    Args:
        dataset: A dataset whose elements are tuples of two scalar strings.
    """

    names = "sources", "targets"
    is_in_memory = False

    def __init__(self, dataset: Any):
        import tensorflow as tf

        spec = dataset.element_spec
        strings = tf.TensorSpec([], tf.string)
        if not isinstance(spec, tuple) or len(spec) != 2 or not all(map(strings.__eq__, spec)):
            raise TypeError(
                "a tf.data.Dataset must have pairs of scalar strings as elements (see its `map` "
                f"and `unbatch`). Received: {short_repr(spec)}"
            )
        self._dataset = dataset

    def __iter__(self) -> Iterator[tuple[str, str]]:
        import tensorflow as tf

        if self._dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise InputError("the tf.data.Dataset is infinite; expected a finite one (see `take`)")
        for index, pair in enumerate(self._dataset.as_numpy_iterator()):
            yield _check_pair(pair, f"sources[{index}]")

    def check_counts(self):
        """Does nothing: both sides come together."""

    def dataset(self):
        """Returns the dataset."""
        return self._dataset


Pairs = AlignedPairs | GeneratedPairs | DatasetPairs


def as_pairs(sources: Any, targets: Any) -> Pairs:
    """Returns the pairs of lines of a training set.

    Args:
        sources: The source texts, or both sides in one object; see `make_dataset`.
        targets: The target texts, the names of two columns, or `None`.

    Raises:
        InputError: If there is no text, or not the same number of sources and targets.
        TypeError: If an argument or an item has the wrong type.
    """
    if (columns := _column_names(sources)) is not None:
        names = _check_names(targets, columns, type(sources).__name__)
        source, target = (_as_lines(sources[name], f"column {name!r}") for name in names)
    elif targets is not None:
        if hasattr(sources, "element_spec") or callable(sources):
            raise TypeError(
                f"sources is a {type(sources).__name__} of pairs; expected targets=None"
            )
        source, target = _as_lines(sources, "sources"), _as_lines(targets, "targets")
    elif hasattr(sources, "element_spec"):
        return DatasetPairs(sources)
    elif callable(sources):
        return GeneratedPairs(sources)
    elif _is_sequence(sources) and not isinstance(sources, (str, bytes)):
        pairs = [_check_pair(pair, f"sources[{index}]") for index, pair in enumerate(sources)]
        source, target = (
            StringLines([pair[side] for pair in pairs], name)
            for side, name in enumerate(GeneratedPairs.names)
        )
    else:
        raise TypeError(
            "without targets, sources must be a list, generator function or tf.data.Dataset of "
            f"pairs of strings. Received: {short_repr(sources)}"
        )
    pairs = AlignedPairs(source, target)
    if pairs.is_in_memory:
        pairs.check_counts()
    return pairs


def _as_lines(text: Any, name: str) -> FileLines | StringLines:
    if isinstance(text, (str, os.PathLike)):
        return FileLines(_find_files(text))
    if _is_tensor(text):
        text = text.numpy()
    if isinstance(text, bytes) or not _is_sequence(text):
        raise TypeError(
            f"{name} must be a file or a sequence of strings such as a list or a column of a "
            f"DataFrame. Received: {short_repr(text)}"
        )
    items = list(text)
    if items and all(isinstance(item, os.PathLike) for item in items):
        return FileLines(list(chain.from_iterable(map(_find_files, items))))
    strings = list(check_lines(items, name))
    if strings and all(map(os.path.isfile, strings)):
        raise InputError(
            f"{name} consists of names of existing files, such as {strings[0]!r}; pass "
            "pathlib.Path objects to read them"
        )
    return StringLines(strings, name)


def _find_files(path: str | os.PathLike) -> list[str]:
    """Returns the file of that name. If there is none, a string is a pattern for several files."""
    name = os.fspath(path)
    if isinstance(path, str) and not os.path.exists(name):
        if has_magic(name) and (found := sorted(glob(name))):
            return found
        # Most likely text, which can be impossible as a name.
        raise InputError(
            f"{short_repr(path)}: no such file; expected a file, or text as a list of strings"
        )
    open_text(name).close()
    return [name]


def _is_sequence(value: Any) -> bool:
    return (
        hasattr(value, "__len__")
        and hasattr(value, "__iter__")
        and not isinstance(value, (Mapping, Set))
    )


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "numpy") and hasattr(value, "shape")


def _column_names(value: Any) -> list | None:
    """Returns the names of the columns of a table, or `None` for everything else."""
    if isinstance(value, Mapping):
        return list(value)
    names = getattr(value, "column_names", getattr(value, "columns", None))
    return None if names is None or not hasattr(value, "__getitem__") else list(names)


def _check_names(names: Any, columns: list, kind: str) -> tuple:
    if not isinstance(names, (tuple, list)) or len(names) != 2:
        raise TypeError(
            f"sources is a {kind}; targets must be the names of its source and target columns, "
            f"such as ('en', 'de'). Received: {short_repr(names)}"
        )
    for name in names:
        if name not in columns:
            raise InputError(
                f"sources has no column {name!r}; choose from {', '.join(map(str, columns))}"
            )
    return tuple(names)


def _check_pair(pair: Any, place: str) -> tuple[str, str]:
    if not isinstance(pair, (tuple, list, np.ndarray)) or len(pair) != 2:
        raise TypeError(
            f"{place} is {short_repr(pair)}; expected a pair of strings, since there are no targets"
        )
    return check_line(pair[0], f"{place}[0]"), check_line(pair[1], f"{place}[1]")
