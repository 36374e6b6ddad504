import re

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
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_seq2seq.decoding import BeamSearch, GreedySearch
from keras_seq2seq.decoding.beam_search import coverage_penalty, length_penalty

WEIGHTS = st.sampled_from([0.0, 0.3, 1.0, 1.7])
PENALTIES = st.fixed_dictionaries({"length_penalty": WEIGHTS, "coverage_penalty": WEIGHTS})


def check_best(found, plain, hypotheses, n_best):
    """Compares with the best of some hypotheses, if they differ by more than rounding does."""
    best = plain.best(hypotheses, n_best + 1)
    scores = [plain.score(hypothesis) for hypothesis in best]
    assume(all(np.diff(scores) < -1e-5))
    check_hypotheses(found, best[:n_best], scores[:n_best])


@settings(derandomize=True, deadline=None, max_examples=25)
@given(constrained_models(), PENALTIES, st.integers(1, 4))
def test_a_wide_beam_finds_the_best_of_all(drawn, penalties, n_best):
    model, constraints, prefixes = drawn
    # Every token but the end token, padding and start can go on, and any but the last two follow.
    going_on = model.vocabulary_size - 3
    width = max(n_best, (going_on + 1) * going_on ** max(constraints["max_length"] - 2, 0))
    found = run(BeamSearch(width, n_best=n_best, **penalties, **constraints), model, prefixes)
    for row, plain in enumerate(plain_searches(model, prefixes, **penalties, **constraints)):
        check_best(row_of(found, row), plain, plain.everything(), n_best)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(constrained_models(), PENALTIES, st.integers(1, 4), st.integers(1, 4))
def test_stopping_early_changes_nothing(drawn, penalties, width, n_best):
    """Compares with a beam search that never stops early."""
    model, constraints, prefixes = drawn
    constraints["max_length"] += 5
    n_best = min(n_best, width)
    found = run(BeamSearch(width, n_best=n_best, **penalties, **constraints), model, prefixes)
    for row, plain in enumerate(plain_searches(model, prefixes, **penalties, **constraints)):
        check_best(row_of(found, row), plain, plain.beam(width), n_best)


@settings(derandomize=True, deadline=None, max_examples=15)
@given(constrained_models())
def test_width_one_is_greedy(drawn):
    model, constraints, prefixes = drawn
    constraints["max_length"] += 5
    found = arrays_of(run(BeamSearch(1, **constraints), model, prefixes))
    expected = arrays_of(run(GreedySearch(**constraints), model, prefixes))
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(found.token_scores, expected.token_scores, atol=1e-5)
    np.testing.assert_array_equal(found.attention_scores, expected.attention_scores)


@counts_steps
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_stops_once_nothing_better_can_come(length_penalty):
    model = TableModel(3, 8)
    model.logits[..., 3] = 20.0
    found = run(BeamSearch(4, length_penalty=length_penalty, max_length=80), model)
    # What goes on starts with exp(-15) and more: even 80 tokens long it has no chance.
    assert model.calls == found.ids.shape[-1] == 1


def test_waits_for_what_may_still_win():
    """At the first step the end is likelier than all else; five sure tokens later it is not."""
    model = TableModel(1, 6, 3)
    model.set(0, (), {3: 0.5, 4: 0.45, 5: 0.05}, (1, 0, 0))
    for length in range(1, 5):
        model.set(0, (4,) * length, {4: 1.0}, (1, 0, 0))
    model.set(0, (4,) * 5, {3: 1.0}, (1, 0, 0))
    found = arrays_of(run(BeamSearch(3, length_penalty=1.0, max_length=20), model))
    assert found.ids[0, 0, :6].tolist() == [4, 4, 4, 4, 4, 3]
    # log(0.45) / (11 / 6); log(0.5) / (6 / 6) is less.
    np.testing.assert_allclose(found.scores[0, 0], -0.4355, atol=5e-5)


def make_small_model():
    """A model of one sentence whose best hypotheses can be computed by hand.

    It ends at once with probability 0.4, or says 4 and then ends with probability 0.62. The
    attention is (0.5, 0.3, 0.2), then (0.1, 0.7, 0.2).
    """
    model = TableModel(1, 6, 3)
    steps = {
        (): ({3: 0.4, 4: 0.6}, (0.5, 0.3, 0.2)),
        (4,): ({3: 0.62, 5: 0.38}, (0.1, 0.7, 0.2)),
    }
    for tokens, (probabilities, attention) in steps.items():
        model.set(0, tokens, probabilities, attention)
    return model


@pytest.mark.parametrize(
    ("penalties", "ids", "score"),
    [
        # log(0.4); log(0.6 * 0.62) = -0.9889 is less.
        ({}, [3, 0, 0], -0.9163),
        # -0.9889 / (7 / 6); log(0.4) / (6 / 6) is less.
        ({"length_penalty": 1.0}, [4, 3, 0], -0.8476),
        # -0.9889 / (7 / 6) ** 0.5; log(0.4) is equal but for the fourth digit.
        ({"length_penalty": 0.5}, [4, 3, 0], -0.9155),
        # -0.9889 + log(0.6) + log(1) + log(0.4); log(0.4) + log(0.5 * 0.3 * 0.2) is less.
        ({"coverage_penalty": 1.0}, [4, 3, 0], -2.4160),
        # -0.9889 / (7 / 6) + 0.1 * (log(0.6) + log(0.4)).
        ({"length_penalty": 1.0, "coverage_penalty": 0.1}, [4, 3, 0], -0.9903),
    ],
)
def test_penalties_by_hand(penalties, ids, score):
    found = arrays_of(run(BeamSearch(3, max_length=3, **penalties), make_small_model()))
    np.testing.assert_array_equal(found.ids[0, 0, :3], ids[: found.ids.shape[-1]])
    np.testing.assert_allclose(found.scores[0, 0], score, atol=5e-5)


def test_the_end_token_needs_a_place_in_the_beam():
    """A narrow beam misses the best hypothesis, whose only token is not the likeliest."""
    model = TableModel(1, 6, 3)
    model.set(0, (), {4: 0.5, 3: 0.45, 5: 0.05}, (1, 0, 0))
    model.set(0, (4,), {3: 0.5, 5: 0.5}, (1, 0, 0))
    assert arrays_of(run(BeamSearch(1, max_length=3), model)).ids[0, 0].tolist()[0] == 4
    assert arrays_of(run(BeamSearch(2, max_length=3), model)).ids[0, 0].tolist()[0] == 3


def test_source_lengths_tell_which_positions_to_cover():
    search = BeamSearch(3, coverage_penalty=1.0, max_length=3)
    found = arrays_of(run(search, make_small_model(), source_lengths=[2]))
    # log(0.6 * 0.62) + log(0.6) + log(1)
    np.testing.assert_allclose(found.scores[0, 0], -1.4997, atol=5e-5)


def test_the_first_of_equals_wins():
    model = TableModel(3, 9)
    model.logits[:] = 0.0
    found = arrays_of(run(BeamSearch(3, n_best=3, banned_ids=(1,), max_length=2), model))
    # After the end token the lowest ids, which are as likely as all others.
    expected = [[3, 0], [4, 3], [5, 3]]
    np.testing.assert_array_equal(found.ids, [expected] * 3)


def test_fewer_hypotheses_than_asked_for():
    model = TableModel(3, 6)
    found = arrays_of(run(BeamSearch(4, n_best=4, banned_ids=(1, 4), max_length=2), model))
    # Only an empty hypothesis and a 5 can be said.
    assert (found.scores[:, 2:] == -np.inf).all()
    assert not found.ids[:, 2:].any() and not found.token_scores[:, 2:].any()
    assert {tuple(ids) for ids in found.ids[0, :2].tolist()} == {(3, 0), (5, 3)}


class TestTree:
    def test_holds_the_hypotheses(self):
        model = TableModel(3, 8, seed=3)
        search = BeamSearch(3, n_best=2, length_penalty=1.0, max_length=12, return_tree=True)
        found = run(search, model)
        tree = arrays_of(found.tree)
        for row in range(3):
            ends = {
                (*path_to(tree, row, *end), 3): tree.end_scores[row][tuple(end)]
                for end in np.argwhere(tree.ends[row])
            }
            hypotheses = row_of(found, row)
            for ids, scores in zip(hypotheses.ids.tolist(), hypotheses.token_scores, strict=True):
                length = ids.index(3) + 1
                assert ends[tuple(ids[:length])] == scores[length - 1]

    def test_does_not_depend_on_the_batch(self):
        """A sentence that is done stays in the batch for a while."""
        model = TableModel(3, 8, seed=3)
        search = BeamSearch(3, length_penalty=0.6, max_length=12, return_tree=True)
        trees = arrays_of(run(search, model).tree)
        for row in range(3):
            alone = arrays_of(run(search, model, sentences=[row]).tree)
            steps = alone.ids.shape[1]
            np.testing.assert_array_equal(trees.ids[row, :steps], alone.ids[0])
            np.testing.assert_array_equal(trees.ends[row, :steps], alone.ends[0])
            assert not trees.ids[row, steps:].any() and not trees.ends[row, steps:].any()


def path_to(tree, row, step, beam):
    """Returns the tokens of the live hypothesis that `beam` of the step before is."""
    tokens = []
    for time in range(step - 1, -1, -1):
        tokens.insert(0, int(tree.ids[row, time, beam]))
        beam = tree.parents[row, time, beam]
    return tokens


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "`width` must be an integer of at least 1"),
        ({"width": 2.5}, "`width` must be an integer of at least 1"),
        ({"width": "5"}, "`width` must be an integer of at least 1"),
        ({"width": 2, "n_best": 3}, "`n_best` must be from 1 to `width`"),
        ({"n_best": 0}, "`n_best` must be an integer of at least 1"),
        ({"length_penalty": -0.1}, "`length_penalty` must be a number of at least 0"),
        ({"coverage_penalty": -1.0}, "`coverage_penalty` must be a number of at least 0"),
        ({"max_length": 0}, "`max_length` must be an integer of at least 1"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        BeamSearch(**arguments)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("beam_width", "; did you mean 'width'?"),
        ("max_lenght", "; did you mean 'max_length'?"),
        ("zzz", ""),
    ],
)
def test_an_unknown_argument_is_an_error_with_a_suggestion(name, hint):
    message = f"^BeamSearch got an unexpected keyword argument '{name}'{re.escape(hint)}$"
    with pytest.raises(TypeError, match=message):
        BeamSearch(**{name: 5})


def test_a_coverage_penalty_needs_attention():
    def step(ids, states, memory):
        logits, _, states = model.step(ids, states, memory)
        return logits, None, states

    model = TableModel(3, 8)
    search = BeamSearch(coverage_penalty=0.1)
    with pytest.raises(ValueError, match="model with attention"):
        search(step, *model.start(), source_lengths=np.array([3, 3, 3]))
    with pytest.raises(ValueError, match="needs `source_lengths`"):
        search(model.step, *model.start())


def test_length_penalty():
    lengths = np.array([1, 7, 31])
    np.testing.assert_allclose(length_penalty(lengths, 1.0), [1, 2, 6], rtol=1e-6)
    np.testing.assert_allclose(length_penalty(lengths, 0.5), [1, 1.414214, 2.449490], rtol=1e-6)
    np.testing.assert_allclose(length_penalty(lengths, 0.0), [1, 1, 1], rtol=1e-6)


def test_coverage_penalty():
    coverage = np.array([[[0.5, 2.0, 0.1], [1.0, 1.0, 1.0]], [[0.2, 0.0, 0.0], [0.4, 0.0, 0.0]]])
    found = coverage_penalty(coverage.astype("float32"), np.array([3, 1]), 2.0)
    # 2 * (log(0.5) + log(0.1)), 0, 2 * log(0.2), 2 * log(0.4)
    np.testing.assert_allclose(found, [[-5.991465, 0.0], [-3.218876, -1.832581]], rtol=1e-6)


def test_an_unattended_position_costs_a_finite_score():
    found = coverage_penalty(np.zeros((1, 1, 1), "float32"), np.array([1]), 1.0)
    np.testing.assert_allclose(found, [[-23.025851]], rtol=1e-6)


def test_with_and_without_the_tree():
    class OwnSearch(BeamSearch):
        pass

    search = OwnSearch(3, length_penalty=0.5, n_best=2, max_length=7, banned_ids=[9])
    with_tree = search.with_tree(True)
    assert type(with_tree) is OwnSearch
    assert with_tree.get_config() == {**search.get_config(), "return_tree": True}
    assert with_tree.with_tree(False).get_config() == search.get_config()
    greedy = GreedySearch()
    assert greedy.with_tree(True) is greedy
