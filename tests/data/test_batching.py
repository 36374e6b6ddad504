import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_seq2seq.data import Batching, make_dataset, propose_buckets, validate_buckets
from keras_seq2seq.data.batching import expected_longest
from keras_seq2seq.errors import UserError
from keras_seq2seq.text.vocabulary import Vocabulary


def test_a_pair_is_in_the_first_bucket_that_it_fits_in():
    batching = Batching.of_pairs(((3, 5), (5, 3), (6, 6)), 8)
    assert batching.batch_sizes == (8, 8, 8, 8)
    lengths = [(2, 4), (2, 2), (4, 2), (3, 4), (5, 5), (6, 1), (1, 6)]
    assert [batching.bucket_of(*pair) for pair in lengths] == [0, 0, 1, 2, 2, 3, 3]


def test_tokens_are_positions_of_the_longer_side():
    # The longest lengths are 4 and 6, 9 and 6 (a target has no more than 7), 10 and 7.
    batching = Batching.of_tokens(((5, 7), (10, 20)), 30, 10, 7)
    assert batching.batch_sizes == (30 // 6, 30 // 9, 30 // 10)
    assert Batching.of_tokens((), 5, 10, 7).batch_sizes == (1,)


def test_steps_of_an_epoch():
    lengths = {(2, 2): 10, (4, 4): 5, (9, 9): 7}
    assert Batching.of_pairs((), 8).steps_per_epoch(lengths) == 3  # 22 pairs
    # 10 / 8 + 5 / 8 and 7 / 2: what is left of an epoch goes on in the next.
    assert Batching(((3, 3), (5, 5)), (8, 8, 2)).steps_per_epoch(lengths) == 6


def test_the_longest_of_some_draws():
    random = np.random.default_rng(0)
    counts = np.array([5, 0, 3, 2])
    draws = random.choice(4, p=counts / 10, size=(20_000, 3)) + 1
    expected = expected_longest(np.arange(1, 5), counts, 3)
    assert expected == pytest.approx(draws.max(axis=1).mean(), abs=0.03)
    assert expected_longest(np.array([7]), np.array([2]), 100) == 7


def test_padding_is_that_of_batches_drawn_by_chance():
    random = np.random.default_rng(1)
    pairs = random.integers(2, (9, 12), size=(3000, 2))
    lengths = {}
    for pair in pairs.tolist():
        lengths[tuple(pair)] = lengths.get(tuple(pair), 0) + 1
    batching = Batching(((5, 6), (7, 12)), (10, 20, 30))
    positions, tokens = np.zeros(2), np.zeros(2)
    numbers = np.array([batching.bucket_of(*pair) for pair in pairs])
    for bucket, size in enumerate(batching.batch_sizes):
        members = pairs[numbers == bucket]
        for _ in range(200):
            batch = members[random.integers(len(members), size=size)]
            # Every bucket counts by the pairs that it has.
            share = len(members) / size
            positions += share * size * batch.max(axis=0)
            tokens += share * batch.sum(axis=0)
    np.testing.assert_allclose(batching.padding(lengths), 1 - tokens / positions, atol=0.01)


def test_several_devices_take_as_many_times_more():
    assert Batching(((5, 5),), (8, 3)).on(4) == Batching(((5, 5),), (32, 12))


@pytest.mark.parametrize(
    ("buckets", "message"),
    [
        ((-5, 10), "-5 is not positive"),
        ((0, 10), "0 is not positive"),
        ((10, 20, 15), "15 comes after 20"),
        ((10, 10), "10 occurs twice"),
    ],
)
def test_refuses_and_names_the_boundary(buckets, message):
    with pytest.raises(UserError, match=f"{message}; expected increasing whole numbers"):
        validate_buckets(buckets)


@pytest.mark.parametrize("boundary", [True, 10.0, "10", None, (1, 2, 3), (1.0, 2)])
def test_refuses_what_is_no_whole_number(boundary):
    with pytest.raises(UserError, match="is not a whole number"):
        validate_buckets([boundary])


@pytest.mark.parametrize(
    ("buckets", "message"),
    [
        (["10x"], "'10x' is not a pair of whole numbers; expected lengths of source and target"),
        (["1x2x3"], "'1x2x3' is not a pair"),
        (["0x2"], "0 is not positive"),
        ([10, "8x10"], "8x10 would always be empty, since it comes after 10x10"),
        (["8x10", (8, 10)], "8x10 would always be empty"),
    ],
)
def test_refuses_boundaries_of_both_sides(buckets, message):
    with pytest.raises(UserError, match=message):
        validate_buckets(buckets)


def test_sides_may_have_boundaries_of_their_own():
    boundaries = ((8, 10), (10, 8), (10, 10), (15, 15))
    assert validate_buckets(["8x10", (10, 8), 10, "15x15"]) == boundaries


@given(st.sets(st.integers(min_value=1), min_size=1))
def test_any_growing_numbers_survive(boundaries):
    growing = tuple(sorted(boundaries))
    assert validate_buckets(growing) == tuple((number, number) for number in growing)


@pytest.fixture(scope="module")
def pairs():
    """Lengths of sentences and of translations of about the same length."""
    random = np.random.default_rng(0)
    source = np.clip(random.normal(12, 4, size=4000).round(), 2, 30).astype(int)
    target = np.clip((source + random.normal(0, 2, size=4000)).round(), 2, 25).astype(int)
    return list(zip(source.tolist(), target.tolist(), strict=True))


def test_reaches_the_padding_with_boundaries_that_are_valid(pairs):
    lengths = Counter(pairs)
    buckets = propose_buckets(lengths, batch_size=16, largest_padding=0.06)
    assert validate_buckets(buckets) == buckets
    assert max(Batching.of_pairs(buckets, 16).padding(lengths)) < 0.08
    # More padding is allowed: fewer buckets.
    assert len(propose_buckets(lengths, 16, 0.2)) < len(buckets) / 3


def test_every_bucket_has_a_batch_in_it(pairs):
    lengths = Counter(pairs)
    batching = Batching.of_pairs(propose_buckets(lengths, 64, 0.0), 64)
    sizes = Counter(batching.bucket_of(*pair) for pair in pairs)
    assert len(sizes) == len(batching.batch_sizes) > 10
    assert min(sizes.values()) >= 64


def test_padding_of_real_batches_is_what_was_foreseen(pairs, tmp_path):
    for side in (0, 1):
        lines = ("a " * (pair[side] - 1) for pair in pairs)
        (tmp_path / f"{side}.txt").write_text("\n".join(lines))
    vocabulary = Vocabulary(["a"])
    buckets = propose_buckets(Counter(pairs), 16, 0.06)
    dataset = make_dataset(
        tmp_path / "0.txt",
        tmp_path / "1.txt",
        vocabulary,
        vocabulary,
        batch_size=16,
        buckets=buckets,
        shuffle=True,
        epochs=4,
    )
    positions, tokens = np.zeros(2), np.zeros(2)
    for features, labels in dataset.as_numpy_iterator():
        for side, ids in enumerate((features["source_ids"], labels)):
            positions[side] += ids.size
            tokens[side] += np.count_nonzero(ids)
    expected = Batching.of_pairs(buckets, 16).padding(Counter(pairs))
    np.testing.assert_allclose(1 - tokens / positions, expected, atol=0.005)


def test_long_sequences_take_little_memory():
    lengths = {(3000, 2900): 100, (1500, 10): 100, (20, 20): 1000}
    tracemalloc.start()
    buckets = propose_buckets(lengths, 32)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6
    assert validate_buckets(buckets) == buckets
    batching = Batching.of_pairs(buckets, 32)
    assert len({batching.bucket_of(*pair) for pair in lengths}) == 3
    assert max(batching.padding(lengths)) < 0.05


def test_texts_without_a_choice():
    assert propose_buckets({(3, 3): 100}, 8) == ()
    assert propose_buckets({(3, 3): 5, (9, 9): 5}, 8) == ()
    assert propose_buckets({(3, 9): 8, (9, 3): 8}, 8) in [((4, 10),), ((10, 4),)]
