"""Against Keras' own recurrent layers; against the reference by way of the encoders."""

import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize

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
    layer = RecurrentLayer(cell_type, 4, go_backwards=go_backwards)
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
    layer = RecurrentLayer(cell_type, 4)
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
    layer = RecurrentLayer("GRUCell", 4, go_backwards=go_backwards)
    outputs, (state,) = run(layer, INPUTS, MASK)
    last = [0, 0, 0] if go_backwards else [4, 1, 3]
    np.testing.assert_array_equal(outputs[range(3), last], state)
    # Read backwards, padding comes before anything that the state could hold.
    held = np.zeros(4) if go_backwards else state[1]
    np.testing.assert_array_equal(outputs[1, 2:], np.broadcast_to(held, (3, 4)))


def test_basics(tmp_path):
    arguments = {"cell_type": "LSTMCell", "num_units": 4, "go_backwards": True}
    inputs = {"inputs": INPUTS.swapaxes(0, 1), "mask": MASK.swapaxes(0, 1)}
    inputs["inputs"] = np.clip(inputs["inputs"], -3, 3)
    shapes = ((5, 3, 4), [(3, 4), (3, 4)])
    check_layer_basics(RecurrentLayer, arguments, inputs, shapes, tmp_path)
