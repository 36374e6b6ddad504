"""Splitting parallel text into a training and a dev part without duplicates across them."""

from collections.abc import Iterable
from numbers import Integral, Real
from random import Random
from typing import Any, NamedTuple

from keras_seq2seq.data.filters import normalize_spaces
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.errors import InputError, check_seed


class Part(NamedTuple):
    """One part of a split.

    Attributes:
        sources: The source lines, a list of strings.
        targets: The target lines, a list of the same length.
    """

    sources: list[str]
    targets: list[str]


class Split(NamedTuple):
    """The result of `split_pairs`.

    Attributes:
        train: The `Part` to train on.
        dev: The `Part` to evaluate on.
    """

    train: Part
    dev: Part


def split_pairs(sources: Any, targets: Any, dev_size: int | float = 0.1, seed: int = 0) -> Split:
    """Splits pairs into a training and a dev part that have no text in common.

    No source line of the dev part is a source line of the training part, and no target line of the
    dev part is a target line of the training part. Lines that differ only in whitespace are
    equal. Pairs that are connected by equal lines therefore stay together: if "hello" and "hi" are
    both translated as "hallo", all pairs with one of the three are in the same part.

    Groups of connected pairs are drawn at random. A group that is larger than the rest of the dev
    part is left in the training part, so the dev part has the requested size if there are enough
    small groups, and is smaller otherwise. Common lines with many translations are thus less
    frequent in the dev part. Within both parts, pairs keep their order and may occur repeatedly.
    Pairs with an empty side, which training skips, are left out.

    Args:
        sources: The source text, or both sides in one object; see `make_dataset`. All of it is read
            into memory.
        targets: The target text; see `make_dataset`.
        dev_size: Number of pairs of the dev part, or a fraction of all pairs between 0 and 1.
        seed: Seed of the random choice. The same text and seed make the same split.

    Returns:
        A named tuple `(train, dev)` of named tuples `(sources, targets)`, which are lists of
        strings.

    Raises:
        InputError: If `dev_size` is out of range, if `seed` is not a whole number, if a part would
            be empty, or if there is not the same number of sources and targets.
        TypeError: If the text contains anything other than strings.

    Example:

    >>> train, dev = split_pairs(["a", "b", "c", "a"], ["A", "B", "C", "A"], dev_size=1, seed=1)
    >>> train
    Part(sources=['a', 'c', 'a'], targets=['A', 'C', 'A'])
    >>> dev
    Part(sources=['b'], targets=['B'])
    >>> dataset = make_dataset(*train, source, target, shuffle=True)
    """
    random = Random(check_seed(seed))
    pairs = list(_read(sources, targets))
    if not pairs:
        raise InputError("sources and targets have no usable pair")
    dev = _draw(_groups(pairs), _count(dev_size, len(pairs)), random)
    if not dev:
        raise InputError(
            f"no dev part of up to {_count(dev_size, len(pairs))} pairs has no text in common with "
            "the rest; remove lines that occur in many pairs, or increase dev_size"
        )
    return Split(
        _part(pair for index, pair in enumerate(pairs) if index not in dev),
        _part(pair for index, pair in enumerate(pairs) if index in dev),
    )


def _read(sources: Any, targets: Any) -> Iterable[tuple[str, str]]:
    text = as_pairs(sources, targets)
    text.check_counts()
    for source, target in text:
        if normalize_spaces(source) and normalize_spaces(target):
            yield source, target


def _count(dev_size: int | float, pairs: int) -> int:
    is_number = isinstance(dev_size, Real) and not isinstance(dev_size, bool)
    if is_number and isinstance(dev_size, Integral) and 0 < dev_size < pairs:
        return int(dev_size)
    if is_number and not isinstance(dev_size, Integral) and 0 < dev_size < 1:
        if pairs == 1:
            raise InputError("sources and targets have one usable pair; expected two or more")
        return min(max(1, round(dev_size * pairs)), pairs - 1)
    raise InputError(
        f"dev_size is {dev_size!r}; expected a number of pairs from 1 to {pairs - 1}, or a "
        "fraction between 0 and 1"
    )


def _groups(pairs: list[tuple[str, str]]) -> list[list[int]]:
    """Returns the indices of the pairs that are connected by equal sources or targets."""
    # A forest of indices: pairs with the same root belong together.
    parents = list(range(len(pairs)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[tuple[int, str], int] = {}
    for index, pair in enumerate(pairs):
        for side, line in enumerate(pair):
            other = first.setdefault((side, normalize_spaces(line)), index)
            parents[root(index)] = root(other)
    groups: dict[int, list[int]] = {}
    for index in range(len(pairs)):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _draw(groups: list[list[int]], size: int, random: Random) -> set[int]:
    """Returns the indices of groups drawn at random, at most `size` indices."""
    random.shuffle(groups)
    drawn: set[int] = set()
    for group in groups:
        if len(drawn) + len(group) <= size:
            drawn.update(group)
    return drawn


def _part(pairs: Iterable[tuple[str, str]]) -> Part:
    sources, targets = zip(*pairs, strict=True)
    return Part(list(sources), list(targets))
