"""Layer normalisation within the cells, wherever they are used."""

import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize
from reference import weights_of
from reference.cells import sigmoid

from keras_seq2seq.layers import AttentionDecoder, GRUCell, LSTMCell, UnidirectionalEncoder

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(3, 4)).astype("float32")
STATES = RNG.normal(size=(2, 3, 5)).astype("float32")


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
    states = list(STATES[: len(cell.state_sizes)])
    output, new_states = numbers_of(cell(INPUTS, states))
    np.testing.assert_array_equal(output, new_states[0])
    for row in range(3):
        expected = step(weights_of(cell), INPUTS[row], *(state[row] for state in states))
        for found, number in zip(new_states, expected, strict=True):
            np.testing.assert_allclose(found[row], number, atol=1e-5)


@pytest.mark.parametrize("cell_class", [GRUCell, LSTMCell])
def test_basics(cell_class, tmp_path):
    arguments = {"num_units": 5, "layer_normalization": True}
    states = list(STATES[: 1 + (cell_class is LSTMCell)])
    shapes = ((3, 5), [(3, 5)] * len(states))
    check_layer_basics(
        cell_class, arguments, {"inputs": INPUTS, "states": states}, shapes, tmp_path
    )


def test_the_scale_of_the_inputs_does_not_matter():
    encoder = UnidirectionalEncoder(4, layer_normalization=True)
    inputs, mask = padded_batch([5, 2, 3], 6)
    outputs, _ = numbers_of(encoder(inputs, mask))
    scaled, _ = numbers_of(encoder(inputs * 100.0, mask))
    np.testing.assert_allclose(outputs, scaled, atol=1e-3)
    plain = UnidirectionalEncoder(4)
    assert np.abs(numbers_of(plain(inputs, mask)[0] - plain(inputs * 100.0, mask)[0])).max() > 0.1


@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_training_and_decoding_give_the_same_numbers(cell_type):
    decoder = AttentionDecoder(4, cell_type=cell_type, num_layers=2, layer_normalization=True)
    inputs = RNG.normal(size=(3, 6, 3)).astype("float32")
    encoder_outputs, mask = padded_batch([5, 1, 4], 2)
    state = [list(layer) for layer in RNG.normal(size=(2, 1 + (cell_type[0] == "L"), 3, 4))]
    state = [[tensor.astype("float32") for tensor in layer] for layer in state]
    outputs = numbers_of(decoder(inputs, state, encoder_outputs, mask))
    memory = decoder.project_memory(encoder_outputs, mask)
    states = decoder.initial_states(state, memory)
    for time in range(6):
        output, _, states = decoder.step(decoder.project(inputs[:, time]), states, memory)
        np.testing.assert_allclose(numbers_of(output), outputs[:, time], atol=1e-5)
