import numpy as np
import pytest
from decoding.searching import arrays_of, counts_steps, run
from decoding.table_model import TableModel
from keras import ops

from keras_seq2seq.decoding import BeamSearch, GreedySearch

SEARCHES = [GreedySearch, BeamSearch]


@pytest.fixture
def endless():
    """A model that hardly ever ends."""
    model = TableModel(3, 9)
    model.logits[..., 3] = -20.0
    return model


@pytest.fixture
def terse():
    """A model that ends at once."""
    model = TableModel(3, 9)
    model.logits[..., 3] = 20.0
    return model


def lengths(found):
    return (arrays_of(found).ids[:, 0] != 0).sum(axis=-1).tolist()


@pytest.mark.parametrize("search", SEARCHES)
class TestLengths:
    def test_all_end_within_the_greatest_length(self, endless, search):
        found = arrays_of(run(search(max_length=6), endless))
        assert lengths(found) == [6, 6, 6]
        assert (found.ids[:, 0, 5] == 3).all()

    def test_greatest_length_of_a_call(self, endless, search):
        found = run(search(max_length=60), endless, max_length=ops.convert_to_tensor(4))
        assert lengths(found) == [4, 4, 4]

    def test_greatest_length_relative_to_the_source(self, endless, search):
        # 1.5 tokens for each of 2, 3 and 9 tokens, rounded up, and 10; but 20 at most.
        search = search(max_length=20, max_length_ratio=1.5)
        assert lengths(run(search, endless, source_lengths=[2, 3, 9])) == [13, 15, 20]

    def test_least_length(self, terse, search):
        assert lengths(run(search(min_length=4), terse)) == [4, 4, 4]

    def test_least_length_relative_to_the_source(self, terse, search):
        search = search(min_length=2, min_length_ratio=0.5)
        assert lengths(run(search, terse, source_lengths=[2, 5, 8])) == [2, 3, 4]

    def test_the_greatest_length_outdoes_the_least(self, terse, search):
        assert lengths(run(search(min_length=9, max_length=4), terse)) == [4, 4, 4]

    def test_relative_lengths_need_the_source_lengths(self, terse, search):
        with pytest.raises(ValueError, match="need `source_lengths`"):
            search(max_length_ratio=2.0)(terse.step, *terse.start())


@pytest.mark.parametrize("search", SEARCHES)
class TestTokens:
    def test_padding_and_start_never_occur(self, endless, search):
        endless.logits[..., [0, 2]] = 10.0
        found = arrays_of(run(search(max_length=8), endless))
        assert not np.isin(found.ids[:, 0], [0, 2]).any()

    def test_banned_tokens_do_not_occur(self, endless, search):
        endless.logits[..., [1, 6]] = 10.0
        found = arrays_of(run(search(max_length=8, min_length=8, banned_ids=[1, 6]), endless))
        assert not np.isin(found.ids[:, 0], [1, 6]).any()
        # The others are as unlikely as they were.
        assert (found.token_scores[:, 0] < -5).all()

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_no_ngram_occurs_twice(self, endless, search, size):
        endless.logits[..., 4:] *= 0.01
        endless.logits[..., 8] = 3.0
        found = arrays_of(run(search(max_length=12, no_repeat_ngram_size=size), endless))
        for row in found.ids[:, 0].tolist():
            ngrams = [tuple(row[i : i + size]) for i in range(row.index(3) + 2 - size)]
            assert len(set(ngrams)) == len(ngrams)
            # Left alone they would say nothing but 8: as often as they may in a row.
            assert row[: size + 1].count(8) == size

    def test_prefixes(self, endless, search):
        prefixes = [[7, 7, 5], [], [1]]
        search = search(max_length=8, banned_ids=[1], no_repeat_ngram_size=1)
        found = arrays_of(run(search, endless, prefixes)).ids[:, 0]
        assert found[0, :3].tolist() == [7, 7, 5]
        assert found[2, 0] == 1
        # A prefix may hold what is banned; what comes after it may not.
        assert not np.isin(found[0, 3:], [7, 5, 1]).any()
        assert 1 not in found[1] and 1 not in found[2, 1:]

    @counts_steps
    def test_what_cannot_go_on_ends(self, endless, search):
        found = arrays_of(run(search(banned_ids=[1], no_repeat_ngram_size=1), endless))
        assert [sorted(row) for row in found.ids[:, 0].tolist()] == [[3, 4, 5, 6, 7, 8]] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": 0}, "`max_length` must be at least 1"),
        ({"min_length": -1}, "`min_length` must be at least 0"),
        ({"max_length_ratio": -0.5}, "`max_length_ratio` must be at least 0"),
        ({"min_length_ratio": -0.5}, "`min_length_ratio` must be at least 0"),
        ({"no_repeat_ngram_size": -2}, "`no_repeat_ngram_size` must be at least 0"),
        ({"banned_ids": [3]}, "must not hold the end token 3"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        GreedySearch(**arguments)
