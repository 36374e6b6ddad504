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

from keras_seq2seq.decoding import GreedySearch


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
