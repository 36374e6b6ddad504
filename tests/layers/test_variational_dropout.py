"""Dropout that is the same at all time steps."""

import numpy as np
import pytest
from harness import numbers_of, padded_batch
from harness.dropout import assert_independent, assert_rate, forget_everything

from keras_seq2seq.layers import BasicDecoder, UnidirectionalEncoder

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
    layer = layer_class(4, variational_dropout=True, layer_normalization=True)
    again = layer_class.from_config(layer.get_config())
    assert again.variational_dropout and again.layer_normalization
