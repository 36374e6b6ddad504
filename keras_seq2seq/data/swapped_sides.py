"""Checks whether the sides of dev data, or the tokenizers of both sides, are swapped."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from keras_seq2seq.text import Tokenizer

# Both sides must resemble the other side of the training data by this much, in nats per pair of
# adjacent characters and in total. Swapped English and German differ by 0.9 nats per pair, two
# samples of one language by less than 0.05.
_MARGIN = 0.1
_LEAST_TOTAL = 20.0

# The tokenizer of the right language needs fewer tokens by this factor, where each unknown token
# counts twice.
_FEWER_TOKENS = 0.9

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
    own = [_count_pairs(lines) for lines in zip(*train, strict=True)]
    dev_sides = [_count_pairs(lines) for lines in zip(*dev, strict=True)]
    return all(
        _resembles(text, other, than=same)
        for text, same, other in zip(dev_sides, own, reversed(own), strict=True)
    )


def are_tokenizers_swapped(pairs: Sequence[Pair], source: Tokenizer, target: Tokenizer) -> bool:
    """Returns whether each side needs fewer tokens with the tokenizer of the other side.

    Args:
        pairs: Some training pairs.
        source: The tokenizer of the sources, with its vocabulary.
        target: The tokenizer of the targets.

    Example:

    >>> source, target = map(WhitespaceTokenizer.build, (["a dog"], ["ein Hund"]))
    >>> are_tokenizers_swapped([("a dog", "ein Hund")], target, source)
    True
    """
    if not pairs:
        return False
    sources, targets = zip(*pairs, strict=True)
    return all(
        _count_tokens(lines, other) < _FEWER_TOKENS * _count_tokens(lines, own)
        for lines, own, other in ((sources, source, target), (targets, target, source))
    )


def _count_tokens(lines: Iterable[str], tokenizer: Tokenizer) -> int:
    """Returns the number of tokens, where each unknown token counts twice."""
    unknown = tokenizer.vocabulary.count_unknown
    return sum(len(tokens) + unknown(tokens) for tokens in map(tokenizer.split, lines))


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
