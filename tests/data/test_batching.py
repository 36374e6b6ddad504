import numpy as np
import pytest

from keras_seq2seq.data.batching import Batching, expected_longest


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
