import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, randomize
from reference import step_cell, weights_of

from keras_seq2seq.layers import LSTMCell

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(3, 4)).astype("float32")
STATES = list(RNG.normal(size=(2, 3, 5)).astype("float32"))


def test_basics(tmp_path):
    inputs = {"inputs": INPUTS, "states": STATES}
    shapes = ((3, 5), [(3, 5), (3, 5)])
    check_layer_basics(LSTMCell, {"num_units": 5}, inputs, shapes, tmp_path)


def test_hand_computed_step():
    cell = LSTMCell(1)
    cell.build((None, 1))
    # Gates: input sigmoid(0) = 0.5, forget sigmoid(ln 3) = 0.75, output sigmoid(ln 4) = 0.8.
    cell.set_weights(
        [
            np.array([[0.0, 0.0, 0.0, 1.0]]),
            np.array([[0.0, 0.0, 0.0, 2.0]]),
            np.array([0.0, np.log(3), np.log(4), 0.1]),
        ]
    )
    states = [np.array([[0.5]]), np.array([[0.4]])]
    output, (hidden, memory) = numbers_of(cell(np.array([[0.8]]), states))
    # c' = 0.75 * 0.4 + 0.5 * tanh(0.8 + 0.1 + 1.0); h' = 0.8 * tanh(c')
    np.testing.assert_allclose(memory, [[0.3 + 0.5 * 0.9562374581277391]], rtol=1e-6)
    np.testing.assert_allclose(output, [[0.8 * np.tanh(0.7781187290638696)]], rtol=1e-6)
    np.testing.assert_array_equal(hidden, output)


def test_agrees_with_the_reference():
    cell = LSTMCell(5)
    cell.build((None, 4))
    randomize(cell)
    output, states = numbers_of(cell(INPUTS, STATES))
    for row in range(3):
        expected, expected_states = step_cell(
            "LSTMCell", weights_of(cell), INPUTS[row], [state[row] for state in STATES]
        )
        np.testing.assert_allclose(output[row], expected, atol=1e-5)
        np.testing.assert_allclose([s[row] for s in states], expected_states, atol=1e-5)


def test_agrees_with_keras():
    cell = LSTMCell(5)
    cell.build((None, 4))
    keras_cell = keras.layers.LSTMCell(5)
    keras_cell.build((None, 4))
    # Keras has the gates in the order i, f, g, o.
    reordered = [
        np.concatenate([gates[0], gates[1], gates[3], gates[2]], axis=-1)
        for gates in (np.split(weight, 4, axis=-1) for weight in randomize(cell).get_weights())
    ]
    keras_cell.set_weights(reordered)
    _, found = numbers_of(cell(INPUTS, STATES))
    _, expected = numbers_of(keras_cell(INPUTS, STATES))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_forget_gate_starts_open():
    cell = LSTMCell(2)
    cell.build((None, 3))
    np.testing.assert_array_equal(cell.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("num_units", [0, -2, 2.5, "8"])
def test_refuses_units_that_are_no_size(num_units):
    with pytest.raises(ValueError) as error:
        LSTMCell(num_units)
    assert str(error.value) == (
        f"`num_units` must be an integer of at least 1. Received: num_units={num_units!r}"
    )
