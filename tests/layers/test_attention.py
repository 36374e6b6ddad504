"""What both attentions do."""

import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize
from reference import attend, weights_of

from keras_seq2seq.layers import BahdanauAttention, DotAttention

ATTENTIONS = {"bahdanau": BahdanauAttention, "dot": DotAttention}
LENGTHS = [5, 1, 3]
QUERY = np.random.default_rng(1).normal(size=(3, 2)).astype("float32")


def make_attention(kind, dim=3):
    attention = ATTENTIONS[kind](4)
    attention.build((None, 2), (None, None, dim))
    return randomize(attention)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_basics(tmp_path, kind):
    values, mask = padded_batch(LENGTHS, dim=3)
    inputs = {"query": QUERY, "values": np.clip(values, -3, 3), "mask": mask}
    shapes = ((3, 3), (3, 5))
    check_layer_basics(ATTENTIONS[kind], {"num_units": 4}, inputs, shapes, tmp_path)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_agrees_with_the_reference(kind):
    attention = make_attention(kind)
    values, mask = padded_batch(LENGTHS, dim=3)
    context, weights = numbers_of(attention(QUERY, values, mask))
    for row, length in enumerate(LENGTHS):
        expected_context, expected_weights = attend(
            weights_of(attention), kind, QUERY[row], values[row, :length]
        )
        np.testing.assert_allclose(context[row], expected_context, atol=1e-5)
        np.testing.assert_allclose(weights[row, :length], expected_weights, atol=1e-5)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_weights_sum_to_one_and_are_zero_on_padding(kind):
    attention = make_attention(kind)
    values, mask = padded_batch(LENGTHS, dim=3, extra=4)
    _, weights = numbers_of(attention(QUERY, values, mask))
    np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 1], atol=1e-6)
    assert (weights[~mask] == 0).all()
    assert (weights[mask] > 0).all()


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_padding_changes_nothing(kind):
    attention = make_attention(kind)
    context, weights = numbers_of(attention(QUERY, *padded_batch(LENGTHS, dim=3)))
    padded_context, padded_weights = numbers_of(
        attention(QUERY, *padded_batch(LENGTHS, dim=3, extra=7))
    )
    np.testing.assert_allclose(padded_context, context, atol=1e-5)
    np.testing.assert_allclose(padded_weights[:, :5], weights, atol=1e-5)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_a_single_position_gets_all(kind):
    values, mask = padded_batch([1, 1, 1], dim=3)
    context, weights = numbers_of(make_attention(kind)(QUERY, values, mask))
    np.testing.assert_array_equal(weights, np.ones((3, 1)))
    np.testing.assert_allclose(context, values[:, 0], rtol=1e-6)


@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("num_units", [0, 1.5])
def test_refuses_units_that_are_no_size(kind, num_units):
    with pytest.raises(ValueError) as error:
        ATTENTIONS[kind](num_units)
    assert str(error.value) == (
        f"`num_units` must be an integer of at least 1. Received: num_units={num_units!r}"
    )


def test_bahdanau_attention_hand_computed():
    attention = BahdanauAttention(1)
    attention.build((None, 1), (None, None, 1))
    weights = {
        "query_kernel": [[2.0]],
        "query_bias": [0.1],
        "key_kernel": [[0.5]],
        "score_kernel": [[3.0]],
    }
    for name, value in weights.items():
        getattr(attention, name).assign(np.array(value))
    values = np.array([[[1.0], [-1.0]]])
    context, found = numbers_of(attention(np.array([[0.2]]), values, np.array([[True, True]])))
    # Scores 3 tanh(0.4 + 0.1 + 0.5) and 3 tanh(0.4 + 0.1 - 0.5) = 0.
    odds = np.exp(3 * 0.7615941559557649)
    np.testing.assert_allclose(found, [[odds / (1 + odds), 1 / (1 + odds)]], rtol=1e-6)
    np.testing.assert_allclose(context, [[(odds - 1) / (odds + 1)]], rtol=1e-6)


def test_dot_attention_hand_computed():
    attention = DotAttention(2)
    attention.build((None, 1), (None, None, 2))
    attention.query_kernel.assign(np.array([[1.0, 2.0]]))
    attention.query_bias.assign(np.array([0.0, -1.0]))
    attention.key_kernel.assign(np.eye(2))
    values = np.array([[[np.log(2), 0.0], [0.0, np.log(3)], [9.0, 9.0]]])
    mask = np.array([[True, True, False]])
    context, found = numbers_of(attention(np.array([[1.0]]), values, mask))
    # The projected query is [1, 1]: the scores are ln 2 and ln 3.
    np.testing.assert_allclose(found, [[0.4, 0.6, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(context, [[0.4 * np.log(2), 0.6 * np.log(3)]], rtol=1e-6)
