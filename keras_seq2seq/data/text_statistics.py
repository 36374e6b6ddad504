"""Statistics over any number of lines, in bounded memory."""

import hashlib
import heapq
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

# Memory is bounded by these numbers of hashes (8 bytes each) and tokens.
MAX_HASHES = 2**22
MAX_TOKEN_TYPES = 2**18

_EXCERPT_CHARACTERS = 160


def percentile(counts: Mapping[float, int], fraction: float) -> float:
    """Returns the smallest value that is not exceeded by a fraction of all values.

    Args:
        counts: Number of occurrences of each value, not empty.
        fraction: The fraction, from 0 to 1.
    """
    needed = fraction * sum(counts.values())
    total = 0
    for value in sorted(counts):
        total += counts[value]
        if total >= needed:
            return value
    return max(counts)


def mean(counts: Mapping[float, int]) -> float:
    """Returns the mean of values, given the number of occurrences of each."""
    return sum(value * count for value, count in counts.items()) / sum(counts.values())


class DuplicateCounter:
    """Counts texts that have occurred before.

    The count is exact for up to `MAX_HASHES` texts. After that, it is an estimate from a sample of
    the texts, which contains all occurrences of a text or none.

    Args:
        max_hashes: Maximum number of hashes to keep.
    """

    def __init__(self, max_hashes: int = MAX_HASHES):
        self._max_hashes = max_hashes
        self._hashes = array("Q")
        # Only hashes that are multiples of this power of two are kept.
        self._step = 1

    @property
    def is_exact(self) -> bool:
        """Whether the count is exact."""
        return self._step == 1

    def add(self, *texts: str):
        """Counts a text, or several that belong together."""
        data = "\n".join(texts).encode("utf-8", "surrogatepass")
        value = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
        if value % self._step == 0:
            self._hashes.append(value)
            while len(self._hashes) > self._max_hashes:
                self._step *= 2
                self._hashes = array("Q", (v for v in self._hashes if v % self._step == 0))

    def count(self) -> int:
        """Returns the number of texts that are equal to an earlier one."""
        hashes = np.array(self._hashes)
        hashes.sort()
        return int(np.count_nonzero(hashes[1:] == hashes[:-1])) * self._step


class FrequentTokens:
    """Counts tokens and keeps the most frequent ones.

    Counts are exact for up to `MAX_TOKEN_TYPES` different tokens. After that, rare tokens are
    dropped from time to time, so counts may be too low.

    Args:
        max_types: Maximum number of different tokens to keep.
    """

    def __init__(self, max_types: int = MAX_TOKEN_TYPES):
        self._max_types = max_types
        self._counts = Counter()

    def update(self, tokens: Iterable[str]):
        """Counts tokens."""
        self._counts.update(tokens)
        if len(self._counts) > self._max_types:
            self._counts = Counter(dict(self._counts.most_common(self._max_types // 2)))

    def most_common(self, number: int) -> list[tuple[str, int]]:
        """Returns the most frequent tokens with their counts, ties in the order of the text."""
        return self._counts.most_common(number)


class Largest:
    """Keeps the items with the largest values, and the first of those with equal values.

    Args:
        size: Maximum number of items.
    """

    def __init__(self, size: int):
        self._size = size
        self._heap: list[tuple[float, int, Any]] = []
        self._number = 0

    def offer(self, value: float, make_item: Callable[[], Any]):
        """Adds an item, which is only created if it is among the largest."""
        self._number -= 1
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, (value, self._number, make_item()))
        elif self._heap and value > self._heap[0][0]:
            heapq.heapreplace(self._heap, (value, self._number, make_item()))

    def items(self) -> list:
        """Returns the items, the largest first."""
        return [item for _, _, item in sorted(self._heap, reverse=True)]


def excerpt(line: str) -> str:
    """Returns the beginning of a line, with an ellipsis if the line is longer."""
    if len(line) <= _EXCERPT_CHARACTERS:
        return line
    return f"{line[: _EXCERPT_CHARACTERS - 1]}…"


# Groups of characters by the first letters of their Unicode categories.
_GROUPS = {"M": "combining marks", "N": "digits", "P": "punctuation", "S": "symbols", "Z": "spaces"}
_FIRST_WORDS = {
    "HALFWIDTH": "KATAKANA",
    "KATAKANA-HIRAGANA": "KATAKANA",
    "FULLWIDTH": "LATIN",
    "IDEOGRAPHIC": "CJK",
}
_UNUSUAL = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
_REPLACEMENT_CHARACTER = "\ufffd"


def character_group(character: str) -> str:
    """Returns the script of a letter, such as "Latin", or the kind of another character."""
    category = unicodedata.category(character)
    if category[0] == "L":
        word = unicodedata.name(character, "OTHER").partition(" ")[0]
        word = _FIRST_WORDS.get(word, word)
        return word if word == "CJK" else word.capitalize()
    return _GROUPS.get(category[0], "invisible")


def is_unusual(character: str) -> bool:
    """Returns whether a character is invisible, unassigned or a sign of a wrong encoding."""
    return character == _REPLACEMENT_CHARACTER or unicodedata.category(character) in _UNUSUAL


def character_name(character: str) -> str:
    """Returns the code point of a character and its name, such as "U+200B ZERO WIDTH SPACE"."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()
