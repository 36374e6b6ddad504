"""What both encoders do."""

import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize
from harness.dropout import assert_independent, assert_rate, forget_everything
from reference import encode, weights_of

from keras_seq2seq.layers import BidirectionalEncoder, UnidirectionalEncoder

ENCODERS = [UnidirectionalEncoder, BidirectionalEncoder]
LENGTHS = [5, 1, 4]


def make_encoder(encoder_class, dim=3, **arguments):
    encoder = encoder_class(4, **arguments)
    encoder.build((None, None, dim))
    return randomize(encoder)


@pytest.mark.parametrize("residual_connections", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("encoder_class", ENCODERS)
def test_agrees_with_the_reference(encoder_class, cell_type, num_layers, residual_connections):
    arguments = {
        "cell": cell_type,
        "num_layers": num_layers,
        "residual_connections": residual_connections,
    }
    encoder = make_encoder(encoder_class, **arguments)
    inputs, mask = padded_batch(LENGTHS, dim=3)
    outputs, states = numbers_of(encoder(inputs, mask=mask))
    weights = weights_of(encoder)
    for row, length in enumerate(LENGTHS):
        expected, expected_states = encode(
            weights,
            inputs[row, :length],
            bidirectional=encoder_class is BidirectionalEncoder,
            **arguments,
        )
        np.testing.assert_allclose(outputs[row, :length], expected, atol=1e-5)
        for layer, expected_layer in zip(states, expected_states, strict=True):
            found = [state[row] for state in layer]
            np.testing.assert_allclose(found, expected_layer, atol=1e-5)


def test_a_mask_may_be_a_list():
    encoder = make_encoder(UnidirectionalEncoder)
    inputs, mask = padded_batch(LENGTHS, dim=3)
    expected, _ = numbers_of(encoder(inputs, mask=mask))
    outputs, _ = numbers_of(encoder(inputs, mask=mask.tolist()))
    np.testing.assert_array_equal(outputs, expected)
    with pytest.raises(ValueError, match="Received: mask of shape"):
        encoder(inputs, mask=mask[:, :2].tolist())


@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("encoder_class", ENCODERS)
def test_padding_changes_nothing(encoder_class, cell_type):
    encoder = make_encoder(encoder_class, cell=cell_type, num_layers=2)
    inputs, mask = padded_batch(LENGTHS, dim=3)
    outputs, states = numbers_of(encoder(inputs, mask=mask))
    padded_outputs, padded_states = numbers_of(encoder(*padded_batch(LENGTHS, dim=3, extra=6)))
    np.testing.assert_allclose(padded_outputs[:, :5][mask], outputs[mask], atol=1e-5)
    np.testing.assert_allclose(padded_states, states, atol=1e-5)
    for row, length in enumerate(LENGTHS):
        alone, alone_states = numbers_of(encoder(inputs[[row], :length], mask=mask[[row], :length]))
        np.testing.assert_allclose(outputs[row, :length], alone[0], atol=1e-5)
        np.testing.assert_allclose(np.array(states)[:, :, [row]], alone_states, atol=1e-5)


@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("encoder_class", ENCODERS)
def test_projecting_and_reading_are_all_of_it(encoder_class, cell_type):
    encoder = make_encoder(
        encoder_class, cell=cell_type, num_layers=2, input_dropout=0.5, output_dropout=0.5
    )
    inputs, mask = padded_batch(LENGTHS, dim=3)
    # Each position is projected by itself.
    flat = numbers_of(encoder.project(inputs.reshape(-1, 3)))
    projected = keras.tree.map_structure(lambda part: part.reshape(*mask.shape, -1), flat)
    outputs, states = numbers_of(encoder.read(projected, mask))
    expected, expected_states = numbers_of(encoder(inputs, mask=mask))
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(states, expected_states, atol=1e-6)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("encoder_class", ENCODERS)
def test_appends_the_inputs_to_the_outputs(encoder_class, num_layers):
    inputs, mask = padded_batch(LENGTHS, dim=3)
    plain = make_encoder(encoder_class, num_layers=num_layers)
    expected, expected_states = numbers_of(plain(inputs, mask=mask))
    encoder = make_encoder(encoder_class, num_layers=num_layers, concat_inputs=True)
    encoder.set_weights(plain.get_weights())
    for outputs, states in (
        numbers_of(encoder(inputs, mask=mask)),
        numbers_of(encoder.read(encoder.project(inputs), mask)),
    ):
        np.testing.assert_allclose(outputs[..., :-3], expected, atol=1e-6)
        np.testing.assert_array_equal(outputs[..., -3:], inputs)
        np.testing.assert_allclose(states, expected_states, atol=1e-6)


def test_appends_the_inputs_after_dropout():
    inputs, mask = np.ones((20, 30, 3), "float32"), np.ones((20, 30), bool)
    encoder = make_encoder(
        BidirectionalEncoder, input_dropout=0.2, output_dropout=0.5, concat_inputs=True
    )
    outputs = numbers_of(encoder(inputs, mask=mask, training=True))[0]
    appended = outputs[..., -3:]
    assert_rate(appended == 0, 0.2)
    np.testing.assert_allclose(appended, np.where(appended == 0, 0, 1 / 0.8), rtol=1e-6)


@pytest.mark.parametrize("encoder_class", ENCODERS)
def test_dropout_is_off_unless_training(encoder_class):
    inputs, mask = padded_batch(LENGTHS, dim=3)
    weights = make_encoder(encoder_class, num_layers=2).get_weights()
    outputs = []
    for rate in (0.0, 0.5):
        encoder = make_encoder(encoder_class, num_layers=2, input_dropout=rate, output_dropout=rate)
        encoder.set_weights(weights)
        outputs.append(numbers_of(encoder(inputs, mask=mask))[0])
        outputs.append(numbers_of(encoder(inputs, mask=mask, training=True))[0])
    plain, plain_training, dropped, dropped_training = outputs
    np.testing.assert_array_equal(plain, plain_training)
    np.testing.assert_array_equal(plain, dropped)
    assert np.abs(dropped_training - plain)[mask].max() > 0.1


@pytest.mark.parametrize("encoder_class", ENCODERS)
def test_output_dropout_rate(encoder_class):
    inputs, mask = np.ones((20, 30, 3), "float32"), np.ones((20, 30), bool)
    encoder = make_encoder(encoder_class, output_dropout=0.3)
    outputs = numbers_of(encoder(inputs, mask=mask))[0]
    dropped = numbers_of(encoder(inputs, mask=mask, training=True))[0]
    assert_rate(dropped == 0, 0.3)
    np.testing.assert_allclose(dropped, np.where(dropped == 0, 0, outputs / 0.7), rtol=1e-5)
    assert_independent(dropped[:, 0] == 0, dropped[:, 1] == 0)


def test_input_dropout_rate():
    encoder = UnidirectionalEncoder(3, cell="GRUCell", input_dropout=0.2)
    encoder.build((None, None, 3))
    forget_everything(encoder.layers[0].cell, 0.5 * np.eye(3))
    inputs, mask = np.ones((20, 30, 3), "float32"), np.ones((20, 30), bool)
    outputs = numbers_of(encoder(inputs, mask=mask, training=True))[0]
    assert_rate(outputs == 0, 0.2)
    expected = np.where(outputs == 0, 0, np.tanh(0.5 / 0.8))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    assert_independent(outputs[:, 0] == 0, outputs[:, 1] == 0)


def test_dropout_between_layers():
    encoder = UnidirectionalEncoder(
        3, cell="GRUCell", num_layers=2, input_dropout=0.2, output_dropout=0.3
    )
    encoder.build((None, None, 3))
    for layer in encoder.layers:
        forget_everything(layer.cell, 0.5 * np.eye(3))
    inputs, mask = np.ones((20, 40, 3), "float32"), np.ones((20, 40), bool)
    outputs = numbers_of(encoder(inputs, mask=mask, training=True))[0]
    # Kept twice on the way in and twice on the way out.
    assert_rate(outputs == 0, 1 - (0.8 * 0.7) ** 2)
    kept = np.tanh(0.5 * np.tanh(0.5 / 0.8) / 0.7 / 0.8) / 0.7
    np.testing.assert_allclose(outputs, np.where(outputs == 0, 0, kept), rtol=1e-5)


@pytest.mark.parametrize("encoder_class", ENCODERS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_units": 0}, "`num_units` must be an integer of at least 1. Received: num_units=0"),
        (
            {"num_layers": 0},
            "`num_layers` must be an integer of at least 1. Received: num_layers=0",
        ),
        (
            {"input_dropout": 1.0},
            "`input_dropout` must be a number of at least 0 and below 1. "
            "Received: input_dropout=1.0",
        ),
        (
            {"output_dropout": -0.1},
            "`output_dropout` must be a number of at least 0 and below 1. "
            "Received: output_dropout=-0.1",
        ),
        (
            {"cell": "gru"},
            "`cell` must be one of LSTMCell, GRUCell, the config of a layer, or a layer. "
            "Received: cell='gru'",
        ),
    ],
)
def test_refuses_bad_arguments(encoder_class, arguments, message):
    with pytest.raises(ValueError) as error:
        encoder_class(**{"num_units": 4, **arguments})
    assert str(error.value) == message


BIDIRECTIONAL_INPUTS, BIDIRECTIONAL_MASK = padded_batch([5, 2], dim=3)


@pytest.mark.parametrize("concat_inputs", [False, True])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_bidirectional_encoder_basics(tmp_path, cell_type, concat_inputs):
    arguments = {
        "num_units": 4,
        "cell": cell_type,
        "num_layers": 2,
        "input_dropout": 0.1,
        "output_dropout": 0.2,
        "residual_connections": True,
        "concat_inputs": concat_inputs,
    }
    inputs = {
        "inputs": np.clip(BIDIRECTIONAL_INPUTS, -3, 3),
        "mask": BIDIRECTIONAL_MASK,
    }
    state = [(2, 8)] if cell_type == "GRUCell" else [(2, 8), (2, 8)]
    shapes = ((2, 5, 11 if concat_inputs else 8), [state, state])
    check_layer_basics(BidirectionalEncoder, arguments, inputs, shapes, tmp_path)


def test_every_output_sees_both_sides():
    encoder = BidirectionalEncoder(4)
    changed = BIDIRECTIONAL_INPUTS.copy()
    changed[0, 2] += 1
    before, _ = numbers_of(encoder(BIDIRECTIONAL_INPUTS, mask=BIDIRECTIONAL_MASK))
    after, _ = numbers_of(encoder(changed, mask=BIDIRECTIONAL_MASK))
    unchanged = after[0] == before[0]
    np.testing.assert_array_equal(unchanged[:, :4].all(axis=1), [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(unchanged[:, 4:].all(axis=1), [0, 0, 0, 1, 1])


def test_state_is_the_last_output_of_each_direction():
    encoder = BidirectionalEncoder(4, cell="GRUCell")
    outputs, [[state]] = numbers_of(encoder(BIDIRECTIONAL_INPUTS, mask=BIDIRECTIONAL_MASK))
    np.testing.assert_array_equal(state[:, :4], outputs[[0, 1], [4, 1], :4])
    np.testing.assert_array_equal(state[:, 4:], outputs[:, 0, 4:])


UNIDIRECTIONAL_INPUTS, UNIDIRECTIONAL_MASK = padded_batch([5, 2], dim=3)


@pytest.mark.parametrize("concat_inputs", [False, True])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_unidirectional_encoder_basics(tmp_path, cell_type, concat_inputs):
    arguments = {
        "num_units": 4,
        "cell": cell_type,
        "num_layers": 2,
        "input_dropout": 0.1,
        "output_dropout": 0.2,
        "residual_connections": True,
        "concat_inputs": concat_inputs,
    }
    inputs = {
        "inputs": np.clip(UNIDIRECTIONAL_INPUTS, -3, 3),
        "mask": UNIDIRECTIONAL_MASK,
    }
    state = [(2, 4)] if cell_type == "GRUCell" else [(2, 4), (2, 4)]
    shapes = ((2, 5, 7 if concat_inputs else 4), [state, state])
    check_layer_basics(UnidirectionalEncoder, arguments, inputs, shapes, tmp_path)


def test_reads_from_left_to_right():
    encoder = UnidirectionalEncoder(4, num_layers=2)
    changed = UNIDIRECTIONAL_INPUTS.copy()
    changed[0, 3] += 1
    before, _ = numbers_of(encoder(UNIDIRECTIONAL_INPUTS, mask=UNIDIRECTIONAL_MASK))
    after, _ = numbers_of(encoder(changed, mask=UNIDIRECTIONAL_MASK))
    np.testing.assert_array_equal(after[0, :3], before[0, :3])
    assert (after[0, 3:] != before[0, 3:]).all()


def test_state_is_the_last_output():
    encoder = UnidirectionalEncoder(4, cell="LSTMCell")
    outputs, [[hidden, _]] = numbers_of(encoder(UNIDIRECTIONAL_INPUTS, mask=UNIDIRECTIONAL_MASK))
    np.testing.assert_array_equal(hidden, outputs[[0, 1], [4, 1]])
