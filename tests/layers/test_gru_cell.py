import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, randomize
from reference import step_cell, weights_of

from keras_seq2seq.layers import GRUCell

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(3, 4)).astype("float32")
STATE = RNG.normal(size=(3, 5)).astype("float32")


def test_basics(tmp_path):
    inputs = {"inputs": INPUTS, "states": [STATE]}
    check_layer_basics(GRUCell, {"num_units": 5}, inputs, ((3, 5), [(3, 5)]), tmp_path)


def test_hand_computed_step():
    cell = GRUCell(1)
    cell.build((None, 1))
    # Update gate sigmoid(0) = 0.5, reset gate sigmoid(ln 3) = 0.75.
    cell.set_weights(
        [
            np.array([[0.0, 0.0, 1.0]]),
            np.array([[0.0, 0.0, 2.0]]),
            np.array([0.0, np.log(3), 0.1]),
            np.array([0.4]),
        ]
    )
    output, (state,) = numbers_of(cell(np.array([[0.3]]), [np.array([[0.8]])]))
    # g = tanh(0.3 + 0.1 + 0.75 * (1.6 + 0.4)) = tanh(1.9); h' = (0.8 + g) / 2
    np.testing.assert_allclose(output, [[(0.8 + 0.9562374581277391) / 2]], rtol=1e-6)
    np.testing.assert_array_equal(state, output)


def test_agrees_with_the_reference():
    cell = GRUCell(5)
    cell.build((None, 4))
    randomize(cell)
    output, (state,) = numbers_of(cell(INPUTS, [STATE]))
    np.testing.assert_array_equal(output, state)
    for row in range(3):
        expected, _ = step_cell("GRUCell", weights_of(cell), INPUTS[row], [STATE[row]])
        np.testing.assert_allclose(output[row], expected, atol=1e-5)


def test_agrees_with_keras():
    cell = GRUCell(5)
    cell.build((None, 4))
    kernel, recurrent_kernel, bias, recurrent_bias = randomize(cell).get_weights()
    keras_cell = keras.layers.GRUCell(5, reset_after=True)
    keras_cell.build((None, 4))
    biases = np.stack([bias, np.concatenate([np.zeros(10), recurrent_bias])])
    keras_cell.set_weights([kernel, recurrent_kernel, biases])
    found, _ = numbers_of(cell(INPUTS, [STATE]))
    expected, _ = numbers_of(keras_cell(INPUTS, [STATE]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("bfloat16", 2e-2)])
def test_a_fresh_recurrence_keeps_lengths(dtype, tolerance):
    cell = GRUCell(5, dtype=dtype)
    cell.build((None, 4))
    # (5, 15) has orthonormal rows.
    kernel = numbers_of(cell.recurrent_kernel)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(5), atol=tolerance)


@pytest.mark.parametrize("num_units", [0, -2, 2.5, "8"])
def test_refuses_units_that_are_no_size(num_units):
    with pytest.raises(ValueError) as error:
        GRUCell(num_units)
    assert str(error.value) == (
        f"`num_units` must be an integer of at least 1. Received: num_units={num_units!r}"
    )
