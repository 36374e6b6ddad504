import keras
import numpy as np
import pytest
from harness import numbers_of, padded_batch

from keras_seq2seq.layers import AttentionDecoder

SOURCE, MASK = padded_batch([3, 2], dim=2)
STATE = [[np.zeros((2, 4), "float32")]]
INPUTS = np.ones((2, 5, 3), "float32")


def test_returns_attention_scores_if_asked():
    decoder = AttentionDecoder(4, cell="GRUCell")
    outputs = decoder(INPUTS, STATE, SOURCE, mask=MASK)
    outputs_too, scores = decoder(INPUTS, STATE, SOURCE, mask=MASK, return_attention_scores=True)
    np.testing.assert_array_equal(numbers_of(outputs), numbers_of(outputs_too))
    scores = numbers_of(scores)
    assert scores.shape == (2, 5, 3)
    np.testing.assert_allclose(scores.sum(axis=-1), np.ones((2, 5)), atol=1e-6)
    assert (scores[1, :, 2] == 0).all()


def test_a_functional_model_can_give_attention_scores():
    inputs = [keras.Input(batch_shape=array.shape) for array in (INPUTS, STATE[0][0], SOURCE)]
    mask = keras.Input(batch_shape=MASK.shape, dtype="bool")
    decoder = AttentionDecoder(4, cell="GRUCell")
    outputs = decoder(inputs[0], [[inputs[1]]], inputs[2], mask=mask, return_attention_scores=True)
    assert [symbol.shape for symbol in outputs] == [(2, 5, 4), (2, 5, 3)]
    model = keras.Model([*inputs, mask], outputs)
    found = numbers_of(model([INPUTS, STATE[0][0], SOURCE, MASK]))
    expected = decoder(INPUTS, STATE, SOURCE, mask=MASK, return_attention_scores=True)
    for part, expected_part in zip(found, numbers_of(expected), strict=True):
        np.testing.assert_array_equal(part, expected_part)


def test_context_is_fed_into_the_next_step():
    decoder = AttentionDecoder(4, cell="GRUCell")
    outputs = numbers_of(decoder(INPUTS, STATE, SOURCE, mask=MASK))
    decoder.context_kernel.assign(np.zeros(decoder.context_kernel.shape))
    without = numbers_of(decoder(INPUTS, STATE, SOURCE, mask=MASK))
    np.testing.assert_array_equal(outputs[:, 0], without[:, 0])
    assert (np.abs(outputs - without)[:, 1:].max(axis=-1) > 1e-4).all()


def test_attention_units_default_to_the_units():
    assert AttentionDecoder(4).attention_units == 4
    assert AttentionDecoder(4, attention_units=7).attention.num_units == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"attention": "luong"},
            "`attention` must be one of bahdanau, dot, the config of a layer, or a layer. "
            "Received: attention='luong'",
        ),
        (
            {"attention_units": 0},
            "`attention_units` must be an integer of at least 1. Received: attention_units=0",
        ),
    ],
)
def test_refuses_bad_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        AttentionDecoder(4, **arguments)
    assert str(error.value) == message
