"""A check whether the sides of dev data are swapped, independent of tokenizers."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

# Both sides must resemble the other side of the training data by this much, in nats per pair of
# adjacent characters and in total. Swapped English and German differ by 0.9 nats per pair, two
# samples of one language by less than 0.05.
_MARGIN = 0.1
_LEAST_TOTAL = 20.0

Pair = tuple[str, str]


def are_swapped(train: Sequence[Pair], dev: Sequence[Pair]) -> bool:
    """Returns whether each side of the dev data resembles the other side of the training data.

    Text is compared by the frequencies of pairs of adjacent characters, so that no token needs to
    be unknown. Sides with similar text, such as those of paraphrases, are never swapped.

    Args:
        train: Some training pairs. A thousand are enough.
        dev: Some dev pairs.

    Example:

    >>> train = [("ein Hund schläft", "a dog sleeps"), ("zwei Männer", "two men")] * 50
    >>> are_swapped(train, [("the man sleeps", "der Mann schläft")] * 5)
    True
    """
    if not train or not dev:
        return False
    own, dev_sides = (list(map(_count_pairs, zip(*rows, strict=True))) for rows in (train, dev))
    return all(
        _resembles(text, other, than=same)
        for text, same, other in zip(dev_sides, own, reversed(own), strict=True)
    )


def _count_pairs(lines: Iterable[str]) -> Counter[str]:
    """Counts the pairs of adjacent characters, with a space at both ends of each line."""
    counts = Counter()
    for line in lines:
        line = f" {line.strip()} "
        counts.update(map("".join, zip(line, line[1:], strict=False)))
    return counts


def _resembles(text: Counter[str], other: Counter[str], than: Counter[str]) -> bool:
    """Returns whether a text is more likely in one language model than in another."""
    distinct = len(text | other | than)
    sizes = [counts.total() + distinct for counts in (other, than)]
    # Log-likelihood ratio, with one added to each count.
    gain = sum(
        number * (math.log((other[pair] + 1) / sizes[0]) - math.log((than[pair] + 1) / sizes[1]))
        for pair, number in text.items()
    )
    return gain > max(_LEAST_TOTAL, _MARGIN * text.total())
