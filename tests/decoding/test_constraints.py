import keras
import numpy as np
import pytest
from decoding.searching import arrays_of, counts_steps, run
from decoding.table_model import TableModel
from keras import ops

from keras_seq2seq.decoding import BeamSearch, GreedySearch
from keras_seq2seq.decoding.constraints import Rules, all_tokens, best_tokens, is_banned, top_k

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

    def test_ratios_may_be_very_large(self, terse, search):
        found = run(search(max_length=6, max_length_ratio=1e9, min_length_ratio=1e9), terse)
        assert lengths(found) == [6, 6, 6]

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
        ({"max_length": 0}, "`max_length` must be an integer of at least 1"),
        ({"max_length": 2.5}, "`max_length` must be an integer of at least 1"),
        ({"min_length": -1}, "`min_length` must be an integer of at least 0"),
        ({"max_length_ratio": -0.5}, "`max_length_ratio` must be a number of at least 0"),
        ({"min_length_ratio": -0.5}, "`min_length_ratio` must be a number of at least 0"),
        ({"no_repeat_ngram_size": -2}, "`no_repeat_ngram_size` must be an integer of at least 0"),
        ({"banned_ids": [3]}, "must not hold the end token 3"),
        ({"banned_ids": iter([5, 3])}, r"must not hold the end token 3.*banned_ids=\(5, 3\)"),
        ({"banned_ids": [5, "a"]}, r"`banned_ids\[1\]` must be an integer of at least 0"),
        ({"banned_ids": [5.5]}, r"`banned_ids\[0\]` must be an integer of at least 0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        GreedySearch(**arguments)


@pytest.mark.parametrize("banned_ids", [iter([5, 4]), np.array([4, 5])])
def test_banned_tokens_may_be_any_iterable_of_integers(banned_ids):
    search = GreedySearch(banned_ids=banned_ids)
    assert search.constraints.banned_ids == (0, 2, 4, 5)
    assert GreedySearch.from_config(search.get_config()).constraints.banned_ids == (0, 2, 4, 5)


def test_thousands_of_banned_tokens_take_little_memory():
    shapes = []

    def banned(ids, too_short):
        return is_banned(ids, tuple(range(4, 5000)), too_short)

    ids, too_short = ops.ones((64, 5000), "int32") * 4999, ops.zeros((64,), "bool")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph = tf.function(banned).get_concrete_function(ids, too_short).graph
        shapes = [output.shape for node in graph.get_operations() for output in node.outputs]
    assert max((shape.rank for shape in shapes), default=2) == 2
    assert np.asarray(banned(ids, too_short)).all()
    assert not np.asarray(banned(ids + 1, too_short)).any()


LOGITS = np.array([[90.0, 0.0, -30.0, -200.0, 5.0, 4.0]], "float32")
# The first token has all the probability there is, in float32; no step may pass through it.
LOG_PROBABILITIES = LOGITS[0] - 90.0


def rules(forced=0, too_short=False, repeated=()):
    if repeated:
        repeated = ops.convert_to_tensor([repeated], "int32")
    forced = ops.convert_to_tensor([forced], "int32")
    return Rules(forced, ops.convert_to_tensor([too_short]), repeated)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (rules(), [4, 5, 1]),
        (rules(repeated=[4, 0, 1]), [5, 3]),
        (rules(repeated=[4, 0, 1], too_short=True), [5]),
        (rules(forced=3, repeated=[4]), [3]),
        (rules(forced=1), [1]),
        (rules(forced=2, too_short=True), [2]),
        # Nothing is left: the end.
        (rules(repeated=[4, 5, 1], too_short=True), [3]),
    ],
)
def test_log_probabilities_of_what_may_follow(rules, expected):
    ids, scores = best_tokens(LOGITS, 3, (0, 2), rules)
    ids, scores = np.asarray(ids)[0], np.asarray(scores)[0]
    assert ids[: len(expected)].tolist() == expected
    np.testing.assert_allclose(scores[: len(expected)], LOG_PROBABILITIES[expected], rtol=1e-6)
    assert (scores[len(expected) :] == -np.inf).all()

    scores = np.asarray(all_tokens(LOGITS, (0, 2), rules))[0]
    allowed = np.flatnonzero(scores > -np.inf)
    assert set(expected) <= set(allowed) and (len(allowed) == len(expected) or len(expected) == 3)
    np.testing.assert_allclose(scores[allowed], LOG_PROBABILITIES[allowed], rtol=1e-6)


def test_a_large_vocabulary():
    logits = np.random.default_rng(0).normal(0, 2, (5, 8001)).astype("float32")
    some = Rules(ops.zeros((5,), "int32"), ops.zeros((5,), "bool"), ())
    ids, scores = best_tokens(logits, 6, (0, 1, 2), some)
    exact = logits.astype("float64")
    exact -= np.log(np.exp(exact).sum(axis=-1, keepdims=True))
    exact[:, :3] = -np.inf
    order = np.argsort(-exact, axis=-1)[:, :6]
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_allclose(scores, np.take_along_axis(exact, order, axis=-1), atol=1e-5)


@pytest.mark.parametrize("size", [7, 640, 4096, 7863])
@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("values", ["distinct", "tied", "minus infinity"])
def test_agrees_with_sorting(size, k, values):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(9, size)).astype("float32")
    if values == "tied":
        scores = rng.integers(0, 3, (9, size)).astype("float32")
    if values == "minus infinity":
        scores[:, 2:] = -np.inf
    found, positions = top_k(ops.convert_to_tensor(scores), k)
    order = np.argsort(-scores, axis=-1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found, np.take_along_axis(scores, order, axis=-1))
    np.testing.assert_array_equal(positions, order)
