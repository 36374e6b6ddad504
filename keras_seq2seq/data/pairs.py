"""Pairs of lines: of two texts, of tables, of a generator function or of a `tf.data.Dataset`.

As in `lines`, each kind has a view in plain Python and one for the `tf.data` pipeline.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, count, islice, zip_longest
from types import MappingProxyType
from typing import Any

import numpy as np

from keras_seq2seq.data.lines import (
    FileLines,
    StringLines,
    as_lines,
    column_names,
    find_text_files,
    is_sequence,
    name_of,
    no_lines,
    unequal_counts,
)
from keras_seq2seq.errors import InputError
from keras_seq2seq.files.tables import Column, Table, table_format
from keras_seq2seq.files.text_lines import check_line, count_lines, short_repr

# Number of pairs that are passed from Python to TensorFlow at once.
PAIRS_AT_ONCE = 1024


class Pairs:
    """Base class of all kinds of pairs.

    Attributes:
        names: The names of both sides in messages.
        unit: What the text consists of, for messages: "line", "row" or "pair".
        is_in_memory: Boolean, whether all of the text is in memory.
        is_repeatable: Boolean, whether each iteration yields the same pairs.
        scan: The last scan of the pairs, see `scan_pairs`; `None` before the first one.
        dropped: Number of pairs that filters excluded, by reason.
    """

    names = "sources", "targets"
    unit = "pair"
    is_in_memory = False
    is_repeatable = False
    scan: Any = None
    dropped: Mapping[str, int] = MappingProxyType({})

    def __iter__(self) -> Iterator[tuple[str | None, str | None]]:
        raise NotImplementedError

    def located(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Yields the place of each pair, such as "train.en:7", with its source and target."""
        for number, source, target in self.numbered():
            yield f"{self.unit} {number}", source, target

    def numbered(self) -> Iterator[tuple[int, str | None, str | None]]:
        """Yields the number of each pair, starting with 1, with its source and target."""
        for number, (source, target) in enumerate(self, 1):
            yield number, source, target

    def first(self, number: int) -> list[tuple[str, str]]:
        """Returns the first pairs with text on both sides, at most `number` of them."""
        return list(islice((pair for pair in self if all(pair)), number))

    def check_counts(self):
        """Checks that both sides have the same number of lines, where that is not certain."""

    def dataset(self):
        """Returns a `tf.data.Dataset` of tuples of two scalar strings."""
        import tensorflow as tf

        def columns():
            pairs = iter(self)
            while rows := list(islice(pairs, PAIRS_AT_ONCE)):
                yield tuple(np.array(column, dtype=object) for column in zip(*rows, strict=True))

        lines = tf.TensorSpec([None], tf.string)
        return tf.data.Dataset.from_generator(columns, output_signature=(lines, lines)).unbatch()

    def numbered_dataset(self):
        """Returns the elements of `dataset` with the numbers of their lines, starting with 1."""
        import tensorflow as tf

        numbered = tf.data.Dataset.zip((self.dataset(), tf.data.Dataset.counter(1)))
        return numbered.map(lambda lines, number: (*lines, number))


class AlignedPairs(Pairs):
    """Pairs of the lines of two texts.

    Args:
        source: `FileLines` or `StringLines`.
        target: The same for the target side.
    """

    unit = "line"
    is_repeatable = True

    def __init__(self, source: FileLines | StringLines, target: FileLines | StringLines):
        self.names = source.name, target.name
        self.is_in_memory = source.is_in_memory and target.is_in_memory
        self._sides = source, target

    def __iter__(self) -> Iterator[tuple[str | None, str | None]]:
        """Yields the pairs. After the end of one text, its lines are `None`.

        If both sides have the same number of files, but more than one, each file is compared with
        its counterpart.

        Raises:
            InputError: If two of these files have different numbers of lines.
        """
        files = [getattr(side, "paths", ()) for side in self._sides]
        if len(files[0]) != len(files[1]) or len(files[0]) < 2:
            yield from zip_longest(*self._sides)
            return
        for names in zip(*files, strict=True):
            counts = [0, 0]
            texts = (side.read_file(name) for side, name in zip(self._sides, names, strict=True))
            for source, target in zip_longest(*texts):
                counts[0] += source is not None
                counts[1] += target is not None
                yield source, target
            if counts[0] != counts[1]:
                raise unequal_counts(names[0], counts[0], names[1], counts[1])

    def located(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Yields the source file and line number of each pair, with its source and target."""
        paths = getattr(self._sides[0], "paths", ())
        if not paths:
            yield from super().located()
            return
        # The last file may be shorter than the target side.
        ends = (*map(count_lines, paths[:-1]), None)
        places = (
            f"{path}:{number}"
            for path, end in zip(paths, ends, strict=True)
            for number in (count(1) if end is None else range(1, end + 1))
        )
        for place, (source, target) in zip(places, self, strict=False):
            yield place, source, target

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


class TablePairs(Pairs):
    """Pairs of two columns of one or more tables, read on demand.

    Args:
        paths: The files, read one after the other.
        columns: The names or numbers of the two columns; see `Table`.
    """

    unit = "row"
    is_repeatable = True

    def __init__(self, paths: list[str], columns: tuple[Column, Column] | None):
        self._tables = [Table(path, columns) for path in paths]
        name = name_of(paths, "files")
        source, target = columns or ("source", "target")
        self.names = f"{name} (column {source})", f"{name} (column {target})"

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (row.values for row in chain.from_iterable(self._tables))

    def located(self) -> Iterator[tuple[str, str, str]]:
        """Yields the place of each row, with its source and target."""
        return ((row.place, *row.values) for row in chain.from_iterable(self._tables))


class GeneratedPairs(Pairs):
    """Pairs from a function that returns a new iterator at each call.

    Args:
        function: Function without arguments that returns an iterable of pairs of strings, such as
            a generator function.
    """

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


class DatasetPairs(Pairs):
    """Pairs from a `tf.data.Dataset`.

    Args:
        dataset: A dataset whose elements are tuples of two scalar strings.
    """

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

    def dataset(self):
        """Returns the dataset."""
        return self._dataset


def as_pairs(sources: Any, targets: Any) -> Pairs:
    """Returns the pairs of lines of a training set.

    Args:
        sources: The source texts, or both sides in one object; see `make_dataset`.
        targets: The target texts, the names of two columns, or `None`.

    Raises:
        InputError: If there is no text, or not the same number of sources and targets.
        TypeError: If an argument or an item has the wrong type.
    """
    if isinstance(sources, Pairs):
        return sources
    if _are_tables(sources, targets):
        items = sources if isinstance(sources, list) else [sources]
        return TablePairs(list(chain.from_iterable(map(find_text_files, items))), _columns(targets))
    if (columns := column_names(sources)) is not None:
        names = _check_names(targets, columns, type(sources).__name__)
        source, target = (as_lines(sources[name], f"column {name!r}") for name in names)
    elif targets is not None:
        if hasattr(sources, "element_spec") or callable(sources):
            raise TypeError(
                f"sources is a {type(sources).__name__} of pairs; expected targets=None"
            )
        source, target = as_lines(sources, "sources"), as_lines(targets, "targets")
    elif hasattr(sources, "element_spec"):
        return DatasetPairs(sources)
    elif callable(sources):
        return GeneratedPairs(sources)
    elif is_sequence(sources) and not isinstance(sources, str):
        pairs = [_check_pair(pair, f"sources[{index}]") for index, pair in enumerate(sources)]
        source, target = (
            StringLines([pair[side] for pair in pairs], name)
            for side, name in enumerate(Pairs.names)
        )
    else:
        raise TypeError(
            "without targets, sources must be a list, generator function or tf.data.Dataset of "
            f"pairs of strings, or a table. Received: {short_repr(sources)}"
        )
    pairs = AlignedPairs(source, target)
    if pairs.is_in_memory:
        pairs.check_counts()
    return pairs


def _are_tables(sources: Any, targets: Any) -> bool:
    """Returns whether `sources` consists of names of tables, and `targets` of columns."""
    items = sources if isinstance(sources, list) else [sources]
    is_path = (str, os.PathLike) if items is not sources else os.PathLike
    are_files = all(isinstance(item, is_path) for item in items)
    are_tables = are_files and any(table_format(item) for item in items)
    return are_tables and (targets is None or _are_columns(targets))


def _are_columns(targets: Any) -> bool:
    return (
        isinstance(targets, (tuple, list))
        and len(targets) == 2
        and all(isinstance(column, (str, int)) for column in targets)
    )


def _columns(targets: Any) -> tuple[Column, Column] | None:
    return None if targets is None else (targets[0], targets[1])


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
