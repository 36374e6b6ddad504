"""Checks of the strings that a caller passes."""

from collections.abc import Iterable, Iterator


def iterate_strings(strings: Iterable[str], name: str) -> Iterator[str]:
    """Yields the strings of an iterable.

    Args:
        strings: The strings, read on demand.
        name: The name of the argument for error messages.

    Raises:
        TypeError: If it is a single string or not iterable, or, once it is reached, if an item is
            not a string.
    """
    if isinstance(strings, (str, bytes)) or not isinstance(strings, Iterable):
        raise TypeError(f"`{name}` must be an iterable of strings. Received: {strings!r:.80}")
    return _checked(strings, name)


def _checked(strings: Iterable[str], name: str) -> Iterator[str]:
    for number, string in enumerate(strings, 1):
        if not isinstance(string, str):
            hint = "; decode bytes first" if isinstance(string, bytes) else ""
            raise TypeError(
                f"`{name}` must be strings{hint}. Received: {string!r:.80} as number {number}"
            )
        yield string
