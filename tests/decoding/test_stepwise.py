import keras
import numpy as np
import pytest
from decoding.searching import (
    arrays_of,
    check_hypotheses,
    constrained_models,
    counts_steps,
    plain_searches,
    row_of,
    run,
)
from decoding.table_model import TableModel
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.decoding import GreedySearch, SamplingSearch


@settings(derandomize=True, deadline=None, max_examples=25)
@given(constrained_models())
def test_agrees_with_a_plain_search(drawn):
    model, constraints, prefixes = drawn
    constraints["max_length"] += 5
    found = run(GreedySearch(**constraints), model, prefixes)
    for row, plain in enumerate(plain_searches(model, prefixes, **constraints)):
        check_hypotheses(row_of(found, row), [plain.greedy()])


@counts_steps
def test_stops_when_all_have_ended():
    model = TableModel(3, 8)
    model.logits[..., 3] = -20.0
    for sentence, tokens in enumerate([(5,), (5, 6, 7), (4,)]):
        for time, token in enumerate((*tokens, 3)):
            model.set(sentence, tokens[:time], {token: 1.0}, np.full(3, 1 / 3))
    found = arrays_of(run(GreedySearch(max_length=80), model))
    np.testing.assert_array_equal(found.ids[:, 0], [[5, 3, 0, 0], [5, 6, 7, 3], [4, 3, 0, 0]])
    assert model.calls == 4


@counts_steps
def test_the_first_of_equals_wins():
    model = TableModel(3, 8)
    model.logits[:] = 0.0
    found = arrays_of(run(GreedySearch(min_length=3, max_length=5, banned_ids=(1,)), model))
    np.testing.assert_array_equal(found.ids[:, 0], [[4, 4, 3]] * 3)


def test_refuses_an_unknown_argument():
    with pytest.raises(TypeError, match="maximum_length"):
        GreedySearch(maximum_length=5)


DRAWS = 4000
# The values that chi-square exceeds with a probability of 0.001, by degrees of freedom.
CRITICAL = {0: 1e-6, 1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46}
# By id.
PROBABILITIES = {1: 0.02, 4: 0.4, 5: 0.2, 6: 0.2, 7: 0.08, 3: 0.1}


def frequencies(**arguments):
    """Returns how often each id was drawn first."""
    model = TableModel(1, 8)
    model.set(0, (), PROBABILITIES, np.full(3, 1 / 3))
    search = SamplingSearch(max_length=2, **arguments)
    found = run(search, model, sentences=[0] * DRAWS)
    return np.bincount(arrays_of(found).ids[:, 0, 0], minlength=8)


def check_frequencies(found, probabilities):
    expected = np.zeros(8)
    expected[list(probabilities)] = list(probabilities.values())
    expected *= DRAWS / expected.sum()
    assert not found[expected == 0].any()
    found, expected = found[expected > 0], expected[expected > 0]
    assert ((found - expected) ** 2 / expected).sum() < CRITICAL[len(found) - 1]


def some_of(*ids):
    return {i: PROBABILITIES[i] for i in ids}


@pytest.mark.parametrize(
    ("arguments", "probabilities"),
    [
        ({}, PROBABILITIES),
        ({"temperature": 0.5}, {i: p**2 for i, p in PROBABILITIES.items()}),
        ({"temperature": 2.0}, {i: p**0.5 for i, p in PROBABILITIES.items()}),
        ({"top_k": 3}, some_of(4, 5, 6)),
        ({"top_k": 100}, PROBABILITIES),
        # 0.4, 0.2 and 0.2 fall short of 0.85, with 0.1 they do not.
        ({"top_p": 0.85}, some_of(4, 5, 6, 3)),
        ({"top_p": 0.01, "banned_ids": [1]}, some_of(4)),
        # Of 0.5, 0.25 and 0.25 the first two reach 0.7.
        ({"top_k": 3, "top_p": 0.7}, some_of(4, 5)),
        # Squared and normalized they are 0.62, 0.154 and 0.154: two reach 0.75.
        ({"temperature": 0.5, "top_p": 0.75}, {4: 0.16, 5: 0.04}),
        ({"top_k": 3, "banned_ids": [4, 5]}, some_of(6, 3, 7)),
        ({"min_length": 2}, some_of(1, 4, 5, 6, 7)),
        ({"min_length": 2, "top_k": 4}, some_of(4, 5, 6, 7)),
    ],
)
def test_draws_as_often_as_likely(arguments, probabilities):
    check_frequencies(frequencies(**arguments), probabilities)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(constrained_models(), st.sampled_from([{}, {"top_k": 2}, {"top_p": 0.8}]))
def test_keeps_to_the_constraints(drawn, cuts):
    model, constraints, prefixes = drawn
    found = arrays_of(run(SamplingSearch(n_best=3, **cuts, **constraints), model, prefixes))
    for row, plain in enumerate(plain_searches(model, prefixes, **constraints)):
        assert (np.diff(found.scores[row]) <= 0).all()
        for rank, ids in enumerate(found.ids[row].tolist()):
            tokens = tuple(ids[: ids.index(3) + 1])
            assert not any(ids[len(tokens) :])
            scores = []
            for time, token in enumerate(tokens):
                assert token in plain.allowed(tokens[:time])
                log_probabilities, attention = model.look_up(row, tokens[:time])
                scores.append(log_probabilities[token])
                found_attention = found.attention_scores[row, rank, time]
                np.testing.assert_allclose(found_attention, attention, atol=1e-6)
            np.testing.assert_allclose(
                found.token_scores[row, rank, : len(tokens)], scores, atol=1e-5
            )
            np.testing.assert_allclose(found.scores[row, rank], sum(scores), atol=1e-4)


class TestSeeds:
    @pytest.fixture
    def draw(self):
        model = TableModel(3, 30, spread=0.1)
        return lambda search: arrays_of(run(search, model)).ids

    def test_a_number_gives_the_same_at_every_call(self, draw):
        search = SamplingSearch(n_best=2, seed=1)
        first = draw(search)
        np.testing.assert_array_equal(first, draw(search))
        np.testing.assert_array_equal(first, draw(SamplingSearch(n_best=2, seed=1)))
        assert not np.array_equal(first, draw(SamplingSearch(n_best=2, seed=2)))

    def test_a_number_may_be_of_numpy(self, draw):
        search = SamplingSearch(n_best=2, seed=np.int64(1))
        np.testing.assert_array_equal(draw(search), draw(SamplingSearch(n_best=2, seed=1)))
        assert type(search.get_config()["seed"]) is int
        with pytest.raises(ValueError, match="seed is 1.5; expected a whole number"):
            SamplingSearch(seed=1.5)

    def test_a_generator_goes_on_at_every_call(self, draw):
        search = SamplingSearch(seed=keras.random.SeedGenerator(1))
        first, second = draw(search), draw(search)
        assert not np.array_equal(first, second)
        again = SamplingSearch(seed=keras.random.SeedGenerator(1))
        np.testing.assert_array_equal(first, draw(again))
        np.testing.assert_array_equal(second, draw(again))

    def test_hypotheses_and_sentences_differ(self, draw):
        model = TableModel(1, 30, spread=0.1)
        ids = arrays_of(run(SamplingSearch(n_best=3), model, sentences=[0, 0])).ids
        assert len({tuple(row) for row in ids.reshape(6, -1)}) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be above 0"),
        ({"top_k": -1}, "`top_k` must be an integer of at least 0"),
        ({"top_p": 0.0}, r"`top_p` must be in \(0, 1\]"),
        ({"top_p": 1.1}, r"`top_p` must be in \(0, 1\]"),
        ({"n_best": 0}, "`n_best` must be an integer of at least 1"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        SamplingSearch(**arguments)
