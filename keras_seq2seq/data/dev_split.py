"""Drawing dev data and samples from text of any size, with memory use that depends only on theirs.

Pairs are selected by their hashes, so the result depends on the text and the seed, not on the order
of the lines, the files or the process. `split_pairs` is the alternative for text in memory.
"""

import re
from collections import Counter
from collections.abc import Iterator
from heapq import heappush, heapreplace
from itertools import islice

from keras_seq2seq.data.filters import FilteredPairs, SharedText, normalize_spaces, text_hash
from keras_seq2seq.data.lines import no_lines
from keras_seq2seq.data.pairs import Pairs
from keras_seq2seq.errors import InputError

# By default, the dev data are 5 % of the pairs, but at most 2,000.
DEFAULT_FRACTION = 0.05
MAX_DEFAULT_SIZE = 2_000

# Number of candidates per drawn pair, since some share text with too many other pairs.
_CANDIDATES = 3
# The largest number of pairs with the source or the target of a dev pair, itself included.
_MOST_SHARED = 10
# The largest average number of these pairs per dev pair; all of them leave the training data.
_SHARED_PER_PAIR = 4

# Characters that are errors in text files, or that are removed when they are read.
_NOT_IN_FILES = re.compile("[\0\n\r\ufeff]")

Pair = tuple[str, str]


def draw_dev(
    pairs: Pairs, size: int | None = None, seed: int = 1, sample_size: int = 0
) -> tuple[list[Pair], list[Pair]]:
    """Draws dev data at random, and a sample of the other pairs.

    The pairs are distinct. Common lines are not drawn: all other pairs with the source or the
    target of a dev pair must be excluded from the training data, so at most ten pairs may share a
    line with a dev pair, and four on average.

    Args:
        pairs: All pairs. They are read twice.
        size: Number of pairs to draw. Fewer are drawn if too many lines occur repeatedly. Defaults
            to 5 % of the pairs, but at most 2,000.
        seed: Seed of the random choice.
        sample_size: Maximum number of pairs of the sample.

    Returns:
        The dev data, a list of pairs `(source, target)` in random order, and what `draw_sample`
        returns for the pairs that have no text in common with them.

    Raises:
        InputError: If there are no pairs, not more than `size`, or none that can be drawn.
    """
    largest = size or MAX_DEFAULT_SIZE
    candidates = _Smallest(_CANDIDATES * largest)
    # Pairs that share text with the dev data are removed later.
    sample = _Smallest(sample_size + _SHARED_PER_PAIR * largest)
    usable = 0
    for pair, texts in _usable(pairs):
        usable += 1
        # The dev data are written to text files.
        if not any(map(_NOT_IN_FILES.search, pair)):
            candidates.add(text_hash(str(seed), *texts), pair)
        if sample_size:
            sample.add(text_hash(*texts), pair)
    if size is None:
        size = max(1, min(MAX_DEFAULT_SIZE, int(DEFAULT_FRACTION * usable)))
    if size >= usable:
        raise InputError(
            f"{' and '.join(pairs.names)} have {usable:,} usable pairs, too few to draw {size:,} "
            "of them as dev data"
        )
    drawn = _choose(pairs, candidates.pairs(), size) if candidates.pairs() else []
    if not drawn:
        raise InputError(
            f"no dev data can be drawn from {' and '.join(pairs.names)}: each source or target "
            "occurs in many pairs; use separate dev data"
        )
    shared = shared_text(drawn)
    others = (pair for pair in sample.pairs() if not shared.rejects(*map(normalize_spaces, pair)))
    return drawn, list(islice(others, sample_size))


def shared_text(pairs: list[Pair]) -> SharedText:
    """Returns the filter that excludes pairs that share text with these."""
    sources, targets = (set(map(normalize_spaces, side)) for side in zip(*pairs, strict=True))
    return SharedText(sources, targets)


def draw_sample(pairs: Pairs, size: int) -> list[Pair]:
    """Draws distinct pairs for statistics.

    Args:
        pairs: All pairs.
        size: Maximum number of pairs.

    Returns:
        List of pairs `(source, target)` in random order.

    Raises:
        InputError: If there is no pair with text on both sides.
    """
    sample = _Smallest(size)
    for pair, texts in _usable(pairs):
        sample.add(text_hash(*texts), pair)
    return sample.pairs()


def _usable(pairs: Pairs) -> Iterator[tuple[Pair, Pair]]:
    """Yields the pairs that have text on both sides, with their normalized text."""
    is_empty = is_unusable = True
    # Even without filters, this checks that both sides have equally many lines.
    for source, target in FilteredPairs(pairs, []):
        is_empty = False
        texts = normalize_spaces(source or ""), normalize_spaces(target or "")
        if all(texts):
            is_unusable = False
            yield (source, target), texts
    if is_empty:
        raise no_lines(pairs.names[0])
    if is_unusable:
        raise InputError(
            f"{' and '.join(pairs.names)} have no usable pair: all lines are empty on at least one "
            "side"
        )


def _choose(pairs: Pairs, candidates: list[Pair], size: int) -> list[Pair]:
    """Returns the first candidates that do not share text with too many pairs."""
    sides = [
        Counter(dict.fromkeys(map(normalize_spaces, lines), 0))
        for lines in zip(*candidates, strict=True)
    ]
    for _, texts in _usable(pairs):
        for counts, text in zip(sides, texts, strict=True):
            if text in counts:
                counts[text] += 1
    chosen, left = [], _SHARED_PER_PAIR * size
    for pair in candidates:
        texts = map(normalize_spaces, pair)
        shared = sum(counts[text] for counts, text in zip(sides, texts, strict=True)) - 1
        if shared <= min(_MOST_SHARED, left) and len(chosen) < size:
            chosen.append(pair)
            left -= shared
    return chosen


class _Smallest:
    """The pairs with the smallest hashes, each pair once.

    Args:
        size: Maximum number of pairs.
    """

    def __init__(self, size: int):
        self._size = size
        # A heap that starts with the largest hash.
        self._heap: list[tuple[int, Pair]] = []
        self._hashes: set[int] = set()

    def add(self, number: int, pair: Pair):
        """Adds a pair with its hash, unless the hash is too large or known."""
        is_full = len(self._heap) == self._size
        if number in self._hashes or (is_full and number > -self._heap[0][0]):
            return
        self._hashes.add(number)
        if is_full:
            largest, _ = heapreplace(self._heap, (-number, pair))
            self._hashes.remove(-largest)
        else:
            heappush(self._heap, (-number, pair))

    def pairs(self) -> list[Pair]:
        """Returns the pairs in the order of their hashes."""
        return [pair for _, pair in sorted(self._heap, reverse=True)]
