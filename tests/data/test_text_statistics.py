import tracemalloc
from array import array
from collections import Counter

import numpy as np
import pytest

from keras_seq2seq.data.text_statistics import (
    MAX_HASHES,
    DuplicateCounter,
    FrequentTokens,
    Largest,
    character_group,
    character_name,
    excerpt,
    is_unusual,
    mean,
    percentile,
)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0])
def test_percentiles_are_those_of_numpy(fraction):
    values = np.random.default_rng(1).integers(1, 60, 997)
    expected = np.quantile(values, fraction, method="inverted_cdf")
    assert percentile(Counter(values.tolist()), fraction) == expected


def test_mean():
    values = np.random.default_rng(1).integers(1, 60, 997)
    assert mean(Counter(values.tolist())) == pytest.approx(values.mean())


def test_duplicates_are_exact_in_small_text():
    counter = DuplicateCounter()
    for text in ("a", "b", "a", "a", "c", "b"):
        counter.add(text)
    assert (counter.count(), counter.is_exact) == (3, True)


def test_pairs_differ_from_their_joined_text():
    counter = DuplicateCounter()
    counter.add("a b", "c")
    counter.add("a", "b c")
    assert counter.count() == 0


def test_duplicates_are_estimated_in_bounded_memory():
    counter = DuplicateCounter(max_hashes=2000)
    for number in range(20_000):
        counter.add(str(number % 15_000))
    assert len(counter._hashes) <= 2000
    assert not counter.is_exact
    assert counter.count() == pytest.approx(5000, rel=0.2)


def test_frequent_tokens():
    tokens = FrequentTokens()
    tokens.update(["b", "a"])
    tokens.update(["c", "a", "b", "a"])
    assert tokens.most_common(2) == [("a", 3), ("b", 2)]


def test_frequent_tokens_are_found_in_bounded_memory():
    tokens = FrequentTokens(max_types=100)
    for number in range(10_000):
        tokens.update(["often", str(number)])
    assert tokens.most_common(1) == [("often", 10_000)]
    assert len(tokens._counts) <= 100


def test_largest_keeps_the_first_of_equal_values():
    largest = Largest(3)
    for name, value in (("a", 1), ("b", 5), ("c", 2), ("d", 2), ("e", 2), ("f", 5)):
        largest.offer(value, lambda name=name: name)
    assert largest.items() == ["b", "f", "c"]


def test_items_that_are_not_among_the_largest_are_not_created():
    largest = Largest(1)
    largest.offer(2, lambda: "a")
    largest.offer(1, lambda: pytest.fail("created"))


def test_excerpts_are_short():
    assert excerpt("x" * 160) == "x" * 160
    assert excerpt("x" * 10**6) == "x" * 159 + "…"


@pytest.mark.parametrize(
    ("character", "group"),
    [
        ("ä", "Latin"),
        ("ａ", "Latin"),
        ("я", "Cyrillic"),
        ("中", "CJK"),
        ("ｱ", "Katakana"),
        ("٣", "digits"),
        ("!", "punctuation"),
        ("+", "symbols"),
        (" ", "spaces"),
        ("\u0301", "combining marks"),
        ("\u200b", "invisible"),
        ("\t", "invisible"),
    ],
)
def test_character_groups(character, group):
    assert character_group(character) == group


def test_unusual_characters():
    unusual = "\t\u200b\u202e\ufffd\ue000\u2028"
    assert all(map(is_unusual, unusual))
    assert not any(map(is_unusual, "aä中 \xa0!\u0301"))
    assert character_name("\u200b") == "U+200B ZERO WIDTH SPACE"
    assert character_name("\x07") == "U+0007"


def test_hashes_take_less_memory_than_documented():
    counters = [DuplicateCounter() for _ in range(3)]
    for counter in counters:
        counter._hashes = array("Q", range(MAX_HASHES))
    tracemalloc.start()
    assert counters[0].count() == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 3 * 8 * MAX_HASHES + peak < 150e6
