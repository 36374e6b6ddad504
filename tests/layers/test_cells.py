"""Layer normalisation within the cells, wherever they are used."""

import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize
from reference import step_cell, weights_of
from reference.cells import sigmoid

from keras_seq2seq.layers import CELLS, AttentionDecoder, GRUCell, LSTMCell, UnidirectionalEncoder

GRU_RNG = np.random.default_rng(0)
GRU_INPUTS = GRU_RNG.normal(size=(3, 4)).astype("float32")
STATE = GRU_RNG.normal(size=(3, 5)).astype("float32")


def test_gru_cell_basics(tmp_path):
    inputs = {"inputs": GRU_INPUTS, "states": [STATE]}
    check_layer_basics(GRUCell, {"num_units": 5}, inputs, ((3, 5), [(3, 5)]), tmp_path)


def test_gru_cell_hand_computed_step():
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


def test_gru_cell_agrees_with_the_reference():
    cell = GRUCell(5)
    cell.build((None, 4))
    randomize(cell)
    output, (state,) = numbers_of(cell(GRU_INPUTS, [STATE]))
    np.testing.assert_array_equal(output, state)
    for row in range(3):
        expected, _ = step_cell("GRUCell", weights_of(cell), GRU_INPUTS[row], [STATE[row]])
        np.testing.assert_allclose(output[row], expected, atol=1e-5)


def test_gru_cell_agrees_with_keras():
    cell = GRUCell(5)
    cell.build((None, 4))
    kernel, recurrent_kernel, bias, recurrent_bias = randomize(cell).get_weights()
    keras_cell = keras.layers.GRUCell(5, reset_after=True)
    keras_cell.build((None, 4))
    biases = np.stack([bias, np.concatenate([np.zeros(10), recurrent_bias])])
    keras_cell.set_weights([kernel, recurrent_kernel, biases])
    found, _ = numbers_of(cell(GRU_INPUTS, [STATE]))
    expected, _ = numbers_of(keras_cell(GRU_INPUTS, [STATE]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("bfloat16", 2e-2)])
def test_a_fresh_recurrence_keeps_lengths(dtype, tolerance):
    cell = GRUCell(5, dtype=dtype)
    cell.build((None, 4))
    # (5, 15) has orthonormal rows.
    kernel = numbers_of(cell.recurrent_kernel)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(5), atol=tolerance)


@pytest.mark.parametrize("num_units", [0, -2, 2.5, "8"])
def test_gru_cell_refuses_units_that_are_no_size(num_units):
    with pytest.raises(ValueError) as error:
        GRUCell(num_units)
    assert str(error.value) == (
        f"`num_units` must be an integer of at least 1. Received: num_units={num_units!r}"
    )


LSTM_RNG = np.random.default_rng(0)
LSTM_INPUTS = LSTM_RNG.normal(size=(3, 4)).astype("float32")
LSTM_STATES = list(LSTM_RNG.normal(size=(2, 3, 5)).astype("float32"))


def test_lstm_cell_basics(tmp_path):
    inputs = {"inputs": LSTM_INPUTS, "states": LSTM_STATES}
    shapes = ((3, 5), [(3, 5), (3, 5)])
    check_layer_basics(LSTMCell, {"num_units": 5}, inputs, shapes, tmp_path)


def test_lstm_cell_hand_computed_step():
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


def test_lstm_cell_agrees_with_the_reference():
    cell = LSTMCell(5)
    cell.build((None, 4))
    randomize(cell)
    output, states = numbers_of(cell(LSTM_INPUTS, LSTM_STATES))
    for row in range(3):
        expected, expected_states = step_cell(
            "LSTMCell",
            weights_of(cell),
            LSTM_INPUTS[row],
            [state[row] for state in LSTM_STATES],
        )
        np.testing.assert_allclose(output[row], expected, atol=1e-5)
        np.testing.assert_allclose([s[row] for s in states], expected_states, atol=1e-5)


def test_lstm_cell_agrees_with_keras():
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
    _, found = numbers_of(cell(LSTM_INPUTS, LSTM_STATES))
    _, expected = numbers_of(keras_cell(LSTM_INPUTS, LSTM_STATES))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_forget_gate_starts_open():
    cell = LSTMCell(2)
    cell.build((None, 3))
    np.testing.assert_array_equal(cell.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("num_units", [0, -2, 2.5, "8"])
def test_lstm_cell_refuses_units_that_are_no_size(num_units):
    with pytest.raises(ValueError) as error:
        LSTMCell(num_units)
    assert str(error.value) == (
        f"`num_units` must be an integer of at least 1. Received: num_units={num_units!r}"
    )


NORMALIZED_RNG = np.random.default_rng(0)
NORMALIZED_INPUTS = NORMALIZED_RNG.normal(size=(3, 4)).astype("float32")
NORMALIZED_STATES = NORMALIZED_RNG.normal(size=(2, 3, 5)).astype("float32")


def norm(x):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5)


def step_gru(w, x, h):
    inputs = norm(x @ w["kernel"]) * w["input_gain"] + w["bias"]
    recurrent = norm(h @ w["recurrent_kernel"]) * w["recurrent_gain"]
    (z_x, r_x, g_x), (z_h, r_h, g_h) = np.split(inputs, 3), np.split(recurrent, 3)
    z, r = sigmoid(z_x + z_h), sigmoid(r_x + r_h)
    g = np.tanh(g_x + r * (g_h + w["recurrent_bias"]))
    return [z * h + (1 - z) * g]


def step_lstm(w, x, h, c):
    """Ba et al., 2016, equations 20 to 22."""
    gates = norm(x @ w["kernel"]) * w["input_gain"] + w["bias"]
    gates = gates + norm(h @ w["recurrent_kernel"]) * w["recurrent_gain"]
    i, f, o, g = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(norm(c) * w["memory_gain"] + w["memory_bias"]), c]


@pytest.mark.parametrize(("cell_class", "step"), [(GRUCell, step_gru), (LSTMCell, step_lstm)])
def test_a_step_agrees_with_numpy(cell_class, step):
    cell = cell_class(5, layer_normalization=True)
    cell.build((None, 4))
    randomize(cell)
    states = list(NORMALIZED_STATES[: len(cell.state_sizes)])
    output, new_states = numbers_of(cell(NORMALIZED_INPUTS, states))
    np.testing.assert_array_equal(output, new_states[0])
    for row in range(3):
        expected = step(weights_of(cell), NORMALIZED_INPUTS[row], *(state[row] for state in states))
        for found, number in zip(new_states, expected, strict=True):
            np.testing.assert_allclose(found[row], number, atol=1e-5)


@pytest.mark.parametrize("cell_class", [GRUCell, LSTMCell])
def test_layer_normalization_basics(cell_class, tmp_path):
    arguments = {"num_units": 5, "layer_normalization": True}
    states = list(NORMALIZED_STATES[: 1 + (cell_class is LSTMCell)])
    shapes = ((3, 5), [(3, 5)] * len(states))
    check_layer_basics(
        cell_class,
        arguments,
        {"inputs": NORMALIZED_INPUTS, "states": states},
        shapes,
        tmp_path,
    )


def test_the_scale_of_the_inputs_does_not_matter():
    encoder = UnidirectionalEncoder(cell=LSTMCell(4, layer_normalization=True))
    inputs, mask = padded_batch([5, 2, 3], 6)
    outputs, _ = numbers_of(encoder(inputs, mask))
    scaled, _ = numbers_of(encoder(inputs * 100.0, mask))
    np.testing.assert_allclose(outputs, scaled, atol=1e-3)
    plain = UnidirectionalEncoder(4)
    assert np.abs(numbers_of(plain(inputs, mask)[0] - plain(inputs * 100.0, mask)[0])).max() > 0.1


@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_training_and_decoding_give_the_same_numbers(cell_type):
    decoder = AttentionDecoder(cell=CELLS[cell_type](4, layer_normalization=True), num_layers=2)
    inputs = NORMALIZED_RNG.normal(size=(3, 6, 3)).astype("float32")
    encoder_outputs, mask = padded_batch([5, 1, 4], 2)
    state = [
        list(layer) for layer in NORMALIZED_RNG.normal(size=(2, 1 + (cell_type[0] == "L"), 3, 4))
    ]
    state = [[tensor.astype("float32") for tensor in layer] for layer in state]
    outputs = numbers_of(decoder(inputs, state, encoder_outputs, mask))
    memory = decoder.project_memory(encoder_outputs, mask)
    states = decoder.initial_states(state, memory)
    for time in range(6):
        output, _, states = decoder.step(decoder.project(inputs[:, time]), states, memory)
        np.testing.assert_allclose(numbers_of(output), outputs[:, time], atol=1e-5)
