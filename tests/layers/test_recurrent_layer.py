"""Against Keras' own recurrent layers; against the reference by way of the encoders."""

import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize
from harness.dropout import assert_independent, assert_rate, forget_everything

from keras_seq2seq.layers import BasicDecoder, GRUCell, LSTMCell, UnidirectionalEncoder
from keras_seq2seq.layers.cells import StackedCells
from keras_seq2seq.layers.recurrent_layer import RecurrentLayer

INPUTS, MASK = padded_batch([5, 2, 4], dim=3)


def run(layer, inputs, mask):
    outputs, states = numbers_of(layer(inputs.swapaxes(0, 1), mask=mask.swapaxes(0, 1)))
    return outputs.swapaxes(0, 1), states


def keras_weights(cell_type, kernel, recurrent_kernel, bias, recurrent_bias=None):
    if cell_type == "GRUCell":
        recurrent_bias = np.concatenate([np.zeros(2 * recurrent_bias.size), recurrent_bias])
        return [kernel, recurrent_kernel, np.stack([bias, recurrent_bias])]
    # Keras has the gates in the order i, f, g, o.
    gates = [np.split(weight, 4, axis=-1) for weight in (kernel, recurrent_kernel, bias)]
    return [np.concatenate([i, f, g, o], axis=-1) for i, f, o, g in gates]


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_agrees_with_keras(cell_type, go_backwards):
    layer = RecurrentLayer(4, cell_type, go_backwards=go_backwards)
    layer.build((None, None, 3))
    randomize(layer)
    keras_class = keras.layers.GRU if cell_type == "GRUCell" else keras.layers.LSTM
    # Keras on JAX reads backwards by cuDNN otherwise than it does without.
    keras_layer = keras_class(
        4,
        go_backwards=go_backwards,
        return_sequences=True,
        return_state=True,
        use_cudnn=False,
    )
    keras_layer.build((None, None, 3))
    keras_layer.set_weights(keras_weights(cell_type, *layer.get_weights()))
    # One sentence at a time, as Keras asks for other masks when it reads backwards.
    for row, length in enumerate(MASK.sum(axis=1)):
        outputs, states = run(layer, INPUTS[[row]], MASK[[row]])
        expected, *expected_states = numbers_of(keras_layer(INPUTS[[row], :length]))
        if go_backwards:
            expected = expected[:, ::-1]
        np.testing.assert_allclose(outputs[:, :length], expected, atol=1e-5)
        np.testing.assert_allclose(states, expected_states, atol=1e-5)


@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_agrees_with_keras_masked(cell_type):
    layer = RecurrentLayer(4, cell_type)
    layer.build((None, None, 3))
    randomize(layer)
    keras_class = keras.layers.GRU if cell_type == "GRUCell" else keras.layers.LSTM
    keras_layer = keras_class(4, return_sequences=True, return_state=True)
    keras_layer.build((None, None, 3))
    keras_layer.set_weights(keras_weights(cell_type, *layer.get_weights()))
    outputs, states = run(layer, INPUTS, MASK)
    expected, *expected_states = numbers_of(keras_layer(INPUTS, mask=MASK))
    np.testing.assert_allclose(outputs[MASK], expected[MASK], atol=1e-5)
    np.testing.assert_allclose(states, expected_states, atol=1e-5)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_state_is_held_through_padding(go_backwards):
    layer = RecurrentLayer(4, "GRUCell", go_backwards=go_backwards)
    outputs, (state,) = run(layer, INPUTS, MASK)
    last = [0, 0, 0] if go_backwards else [4, 1, 3]
    np.testing.assert_array_equal(outputs[range(3), last], state)
    # Read backwards, padding comes before anything that the state could hold.
    held = np.zeros(4) if go_backwards else state[1]
    np.testing.assert_array_equal(outputs[1, 2:], np.broadcast_to(held, (3, 4)))


def test_basics(tmp_path):
    arguments = {"cell": "LSTMCell", "num_units": 4, "go_backwards": True}
    inputs = {"inputs": INPUTS.swapaxes(0, 1), "mask": MASK.swapaxes(0, 1)}
    inputs["inputs"] = np.clip(inputs["inputs"], -3, 3)
    shapes = ((5, 3, 4), [(3, 4), (3, 4)])
    check_layer_basics(RecurrentLayer, arguments, inputs, shapes, tmp_path)


def test_noise_differs_by_time_step_sentence_and_layer():
    cells = StackedCells([GRUCell(8) for _ in range(3)], dropout=0.4)
    cells.build((None, None, 5))
    projected = cells.project(np.ones((30, 20, 5), "float32"))
    noise = numbers_of(cells.draw_dropout_masks(projected))
    assert noise.shape == (30, 20, 16)
    zeros = noise == 0
    assert_rate(zeros, 0.4)
    np.testing.assert_allclose(noise[~zeros], 1 / 0.6, rtol=1e-6)
    assert_independent(zeros[0], zeros[1])
    assert_independent(zeros[:, 0], zeros[:, 1])
    assert_independent(zeros[..., :8], zeros[..., 8:])
    assert_independent(zeros, numbers_of(cells.draw_dropout_masks(projected)) == 0)


def test_state_sizes():
    assert StackedCells([GRUCell(8), GRUCell(8)]).state_sizes == [(8,), (8,)]
    assert StackedCells([LSTMCell(8)]).state_sizes == [(8, 8)]


@pytest.mark.parametrize("num_layers", [0, 1.0])
def test_refuses_layers_that_are_no_number(num_layers):
    with pytest.raises(ValueError) as error:
        BasicDecoder(8, "GRUCell", num_layers=num_layers)
    assert str(error.value) == (
        f"`num_layers` must be an integer of at least 1. Received: num_layers={num_layers!r}"
    )


UNITS, TIME = 50, 7


def zeros_of(outputs):
    """Which outputs `(batch, time, units)` are dropped; checks that they are at all times."""
    zeros = numbers_of(outputs) == 0
    np.testing.assert_array_equal(zeros, np.repeat(zeros[:, :1], TIME, axis=1))
    return zeros[:, 0]


def test_an_encoder_drops_the_same_outputs_at_all_times():
    encoder = UnidirectionalEncoder(UNITS, output_dropout=0.3, variational_dropout=True)
    inputs, mask = padded_batch([TIME] * 40, 3)
    first, second = (zeros_of(encoder(inputs, mask, training=True)[0]) for _ in range(2))
    assert_rate(first, 0.3)
    # Each sentence and each call has its own.
    assert_independent(first[:-1], first[1:])
    assert_independent(first, second)
    assert (numbers_of(encoder(inputs, mask)[0]) != 0).all()


def test_a_decoder_drops_the_same_outputs_at_all_times():
    decoder = BasicDecoder(UNITS, "GRUCell", output_dropout=0.3, variational_dropout=True)
    inputs, _ = padded_batch([TIME] * 40, 3)
    zeros = zeros_of(decoder(inputs, [[np.zeros((40, UNITS), "float32")]], training=True))
    assert_rate(zeros, 0.3)


def test_inputs_and_what_passes_between_layers():
    rate = 0.4
    decoder = BasicDecoder(
        UNITS, "GRUCell", num_layers=2, input_dropout=rate, variational_dropout=True
    )
    decoder.build((None, None, UNITS))
    # The first layer gives tanh(1) everywhere, the second what it is given.
    forget_everything(decoder.cells.cells[0], np.zeros((UNITS, UNITS)))
    bias = decoder.cells.cells[0].bias
    bias.assign(np.concatenate([bias.numpy()[: 2 * UNITS], np.ones(UNITS)]))
    forget_everything(decoder.cells.cells[1], np.eye(UNITS))
    state = [[np.zeros((40, UNITS), "float32")]] * 2
    outputs = decoder(np.ones((40, TIME, UNITS), "float32"), state, training=True)
    assert_rate(zeros_of(outputs), rate)


@pytest.mark.parametrize("layer_class", [UnidirectionalEncoder, BasicDecoder])
def test_config_round_trip(layer_class):
    layer = layer_class(cell=LSTMCell(4, layer_normalization=True), variational_dropout=True)
    again = layer_class.from_config(layer.get_config())
    assert again.variational_dropout
    assert again.cell_config["config"]["layer_normalization"]
