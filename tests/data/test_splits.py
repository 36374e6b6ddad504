from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq import split_pairs
from keras_seq2seq.errors import InputError

LINES = st.sampled_from(["a", "b", "c", "d", "e", "f", "a  b", "a b ", "g", "h", "i", "", " "])


def words(lines):
    return {tuple(line.split()) for line in lines}


def is_in_order(part, pairs):
    remaining = iter(pairs)
    return all(pair in remaining for pair in zip(*part, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LINES, LINES), min_size=2), st.integers(1, 8), st.integers(0, 3))
def test_the_parts_have_no_text_in_common(pairs, dev_size, seed):
    sources, targets = [s for s, _ in pairs], [t for _, t in pairs]
    try:
        train, dev = split_pairs(sources, targets, dev_size, seed)
    except InputError:
        return
    assert 0 < len(dev.sources) == len(dev.targets) <= dev_size
    assert len(train.sources) == len(train.targets) > 0
    assert not words(train.sources) & words(dev.sources)
    assert not words(train.targets) & words(dev.targets)
    usable = [pair for pair in pairs if pair[0].split() and pair[1].split()]
    parts = [*zip(*train, strict=True), *zip(*dev, strict=True)]
    assert Counter(parts) == Counter(usable)
    assert is_in_order(train, pairs)
    assert is_in_order(dev, pairs)
    assert split_pairs(sources, targets, dev_size, seed) == (train, dev)


SOURCES = [f"source {n}" for n in range(200)]
TARGETS = [f"target {n}" for n in range(200)]


@pytest.mark.parametrize(
    ("dev_size", "expected"), [(1, 1), (50, 50), (199, 199), (0.1, 20), (0.001, 1), (0.5, 100)]
)
def test_sizes(dev_size, expected):
    train, dev = split_pairs(SOURCES, TARGETS, dev_size)
    assert (len(train.sources), len(dev.sources)) == (200 - expected, expected)


def test_a_seed_is_another_split():
    splits = [split_pairs(SOURCES, TARGETS, 20, seed) for seed in range(4)]
    assert len({tuple(dev.sources) for _, dev in splits}) == 4
    assert splits[0] == split_pairs(SOURCES, TARGETS, 20)


def test_a_seed_may_be_a_number_of_numpy():
    lines = [str(number) for number in range(50)]
    assert split_pairs(lines, lines, 10, np.int64(3)) == split_pairs(lines, lines, 10, 3)
    with pytest.raises(InputError, match=r"seed is 1\.5; expected a whole number"):
        split_pairs(lines, lines, 10, 1.5)


def test_connected_pairs_stay_together():
    # hello - hallo - hi - he: one group by hand; two more of one pair each.
    pairs = [("hello", "hallo"), ("x", "X"), ("hi", "hallo"), ("y", "Y"), ("hi", "he")]
    for seed in range(10):
        train, dev = split_pairs(pairs, None, 2, seed)
        assert dev == (["x", "y"], ["X", "Y"])
        assert train == (["hello", "hi", "hi"], ["hallo", "hallo", "he"])
    # The largest group fits into three.
    assert {len(split_pairs(pairs, None, 3, seed).dev.sources) for seed in range(20)} == {2, 3}


def test_equal_pairs_may_be_repeated_within_a_part():
    train, dev = split_pairs(["a", "a", "b"], ["A", "A", "B"], 2, seed=1)
    assert sorted([len(train.sources), len(dev.sources)]) == [1, 2]


def test_other_kinds_of_data():
    expected = split_pairs(SOURCES, TARGETS)
    assert split_pairs({"en": SOURCES, "de": TARGETS}, ("en", "de")) == expected
    assert split_pairs(lambda: zip(SOURCES, TARGETS, strict=True), None) == expected


def test_series():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"en": SOURCES, "de": TARGETS}, index=range(200, 0, -1))
    assert split_pairs(frame["en"], frame["de"]) == split_pairs(SOURCES, TARGETS)
    train, _ = split_pairs(frame, ("en", "de"))
    assert pandas.DataFrame(train._asdict()).shape == (180, 2)


@pytest.mark.parametrize("dev_size", [0, 200, -1, 0.0, 1.0, 1.5, True, "10", None, float("nan")])
def test_refuses_sizes(dev_size):
    with pytest.raises(ValueError, match="dev_size is .*; expected a number of pairs from 1"):
        split_pairs(SOURCES, TARGETS, dev_size)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (["a", "b"], ["c"], "sources has 2 lines, but targets has 1"),
        (["a", "b", "c"], ["x", "x", "x"], "no dev part of up to 1 pairs has no text in common"),
        (["a", ""], ["", "b"], "no usable pair"),
        (["a"], ["b"], "dev_size is 1; expected"),
    ],
)
def test_refuses(sources, targets, message):
    with pytest.raises(InputError, match=message):
        split_pairs(sources, targets, 1)


def test_no_part_is_empty():
    assert [len(part.sources) for part in split_pairs(["a", "b"], ["A", "B"], 0.8)] == [1, 1]
    with pytest.raises(InputError, match="one usable pair; expected two or more"):
        split_pairs(["a"], ["b"], 0.5)


def test_refuses_missing_values():
    with pytest.raises(TypeError, match=r"targets\[1\] is None; expected a string"):
        split_pairs(["a", "b"], ["c", None])
