"""Several references for one line."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from keras_seq2seq.errors import UserError

# One reference for each line, or a list of references for each line.
References: TypeAlias = Sequence[str | Sequence[str]]


def reference_streams(references: References) -> list[list[str | None]]:
    """Converts references to the format of sacrebleu.

    Args:
        references: List with the reference of each line, a string, or its references, a list of
            strings.

    Returns:
        A list of streams, as many as the largest number of references of a line. Each stream is a
        list with one reference of each line, or `None` for lines with fewer references.

    Raises:
        UserError: If a line has no reference.
        TypeError: If the references of a line are not strings.

    Example:
        >>> reference_streams(["a man", ["a dog", "one dog"]])
        [['a man', 'a dog'], [None, 'one dog']]
    """
    lines = [
        list(line) if isinstance(line, Iterable) and not isinstance(line, (str, bytes)) else [line]
        for line in references
    ]
    for number, line in enumerate(lines, 1):
        for reference in line:
            check_string("references", reference, number)
        if not line:
            raise UserError(f"line {number:,} has no reference; expected at least one")
    length = max(map(len, lines))
    lines = [line + [None] * (length - len(line)) for line in lines]
    return [list(stream) for stream in zip(*lines, strict=True)]


def check_string(name: str, line: Any, number: int):
    """Raises `TypeError` if line `number` of the argument `name` is not a string."""
    if not isinstance(line, str):
        raise TypeError(f"`{name}` must be strings. Received: {line!r:.80} as number {number}")


def combine_references(files: Sequence[Sequence[str]]) -> list[list[str]]:
    """Combines the references of several line-aligned files.

    An empty or blank line means that the file has no reference for this line, unless the line is
    blank in all files: then its reference is empty.

    Args:
        files: The lines of each file.

    Returns:
        A list with the list of references of each line.

    Example:
        >>> combine_references([["a man", "a dog"], ["", "one dog"]])
        [['a man'], ['a dog', 'one dog']]
    """
    return [[line for line in lines if line.strip()] or [""] for lines in zip(*files, strict=True)]


class GroupedReferences(NamedTuple):
    """The result of `group_by_source`.

    Attributes:
        sources: The distinct sources, in the order in which they appear first.
        references: The distinct references of each source.
        first: The index of the first line with each source.
    """

    sources: list[str]
    references: list[list[str]]
    first: list[int]


def group_by_source(sources: Sequence[str], references: References) -> GroupedReferences:
    """Collects the references of equal sources, such as the pronunciations of a word.

    Args:
        sources: The sources, which may occur repeatedly.
        references: The references of each source, as for `evaluate`. Blank ones are left out,
            except where a source has no other.

    Returns:
        A named tuple `(sources, references, first)`.

    Example:
        >>> group_by_source(["read", "lead", "read"], ["R IY D", "L EH D", "R EH D"])
        GroupedReferences(sources=['read', 'lead'],
                          references=[['R IY D', 'R EH D'], ['L EH D']], first=[0, 1])
    """
    first: dict[str, int] = {}
    # A dictionary instead of a set keeps the order.
    groups: dict[str, dict[str, None]] = {}
    for index, (source, lines) in enumerate(zip(sources, references, strict=True)):
        first.setdefault(source, index)
        lines = [lines] if isinstance(lines, str) else lines
        groups.setdefault(source, {}).update(dict.fromkeys(lines))
    grouped = [[line for line in lines if line.strip()] or [""] for lines in groups.values()]
    return GroupedReferences(list(first), grouped, list(first.values()))
