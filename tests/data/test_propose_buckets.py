from collections import Counter

import numpy as np
import pytest

from keras_seq2seq.data import Batching, make_dataset, propose_buckets, validate_buckets
from keras_seq2seq.data.vocabulary import Vocabulary


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


def test_texts_without_a_choice():
    assert propose_buckets({(3, 3): 100}, 8) == ()
    assert propose_buckets({(3, 3): 5, (9, 9): 5}, 8) == ()
    assert propose_buckets({(3, 9): 8, (9, 3): 8}, 8) in [((4, 10),), ((10, 4),)]
