"""What both decoders do."""

import keras
import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch, randomize
from harness.dropout import assert_independent, assert_rate, forget_everything
from reference import Decoder, weights_of

from keras_seq2seq.layers import AttentionDecoder, BasicDecoder

LENGTHS = [5, 1, 4]
UNITS = 4
DECODER_INPUTS = np.random.default_rng(1).normal(size=(3, 6, 3)).astype("float32")
KINDS = [None, "bahdanau", "dot"]


def make_decoder(attention_type, dim=3, **arguments):
    if attention_type:
        arguments |= {"attention": attention_type, "attention_units": 5}
    decoder = (AttentionDecoder if attention_type else BasicDecoder)(UNITS, **arguments)
    decoder.build((None, None, dim), encoder_outputs_shape=(None, None, 2))
    return randomize(decoder)


def initial_state(cell_type, num_layers, batch_size=3):
    shape = (num_layers, 2 if cell_type == "LSTMCell" else 1, batch_size, UNITS)
    state = np.random.default_rng(2).normal(size=shape).astype("float32")
    return [list(layer) for layer in state]


@pytest.mark.parametrize("residual_connections", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("attention_type", KINDS)
def test_agrees_with_the_reference(attention_type, cell_type, num_layers, residual_connections):
    arguments = {
        "cell": cell_type,
        "num_layers": num_layers,
        "residual_connections": residual_connections,
    }
    decoder = make_decoder(attention_type, **arguments)
    encoder_outputs, mask = padded_batch(LENGTHS, dim=2)
    state = initial_state(cell_type, num_layers)
    options = {"return_attention_scores": True} if attention_type else {}
    outputs = numbers_of(decoder(DECODER_INPUTS, state, encoder_outputs, mask=mask, **options))
    reference = Decoder(weights_of(decoder), attention=attention_type, **arguments)
    for row, length in enumerate(LENGTHS):
        expected, expected_scores, _ = reference.run(
            DECODER_INPUTS[row],
            [[array[row] for array in layer] for layer in state],
            encoder_outputs[row, :length],
        )
        if attention_type:
            np.testing.assert_allclose(outputs[0][row], expected, atol=1e-5)
            scores = outputs[1][row]
            np.testing.assert_allclose(scores[:, :length], expected_scores, atol=1e-5)
            assert (scores[:, length:] == 0).all()
        else:
            np.testing.assert_allclose(outputs[row], expected, atol=1e-5)


@pytest.mark.parametrize("attention_type", KINDS[1:])
def test_adds_the_projected_context(attention_type):
    decoder = make_decoder(attention_type, cell="GRUCell", context_skip=True)
    encoder_outputs, mask = padded_batch(LENGTHS, dim=2)
    state = initial_state("GRUCell", 1)
    outputs = numbers_of(decoder(DECODER_INPUTS, state, encoder_outputs, mask=mask))
    reference = Decoder(weights_of(decoder), "GRUCell", 1, attention_type)
    for row, length in enumerate(LENGTHS):
        row_state = [[array[row] for array in layer] for layer in state]
        expected, _, _ = reference.run(
            DECODER_INPUTS[row], row_state, encoder_outputs[row, :length]
        )
        np.testing.assert_allclose(outputs[row], expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("attention_type", KINDS)
def test_steps_equal_the_scan(attention_type, cell_type, dtype):
    decoder = make_decoder(
        attention_type, cell=cell_type, num_layers=2, residual_connections=True, dtype=dtype
    )
    encoder_outputs, mask = padded_batch(LENGTHS, dim=2)
    compute_dtype = decoder.compute_dtype
    cast = keras.ops.cast
    state = [[cast(s, compute_dtype) for s in layer] for layer in initial_state(cell_type, 2)]
    expected = numbers_of(decoder(DECODER_INPUTS, state, encoder_outputs, mask=mask))

    memory = decoder.project_memory(cast(encoder_outputs, compute_dtype), mask)
    states = decoder.initial_states(state, memory)
    kinds = keras.tree.map_structure(lambda tensor: (tensor.shape, tensor.dtype), states)
    for time in range(DECODER_INPUTS.shape[1]):
        output, scores, states = decoder.step(
            decoder.project(DECODER_INPUTS[:, time]), states, memory
        )
        tolerance = 1e-5 if dtype == "float32" else 0.05
        np.testing.assert_allclose(numbers_of(output), expected[:, time], atol=tolerance)
        # A compiled decoding loop takes states of one shape and dtype only.
        assert kinds == keras.tree.map_structure(lambda t: (t.shape, t.dtype), states)
        assert (scores is None) == (attention_type is None)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
@pytest.mark.parametrize("attention_type", KINDS[1:])
@pytest.mark.parametrize("context_skip", [False, True])
def test_projected_values_change_nothing(context_skip, attention_type, cell_type, dtype):
    decoder = make_decoder(
        attention_type, cell=cell_type, num_layers=2, dtype=dtype, context_skip=context_skip
    )
    encoder_outputs, mask = padded_batch(LENGTHS, dim=2)
    memory = decoder.project_memory(encoder_outputs, mask)
    states = decoder.initial_states(initial_state(cell_type, 2), memory)
    projected_memory, projected_states = decoder.project_values(memory, states)
    assert "context" not in projected_states
    tolerance = 1e-5 if dtype == "float32" else 0.05
    for time in range(DECODER_INPUTS.shape[1]):
        inputs = decoder.project(DECODER_INPUTS[:, time])
        *expected, states = decoder.step(inputs, states, memory)
        *found, projected_states = decoder.step(inputs, projected_states, projected_memory)
        for part, expected_part in zip(numbers_of(found), numbers_of(expected), strict=True):
            np.testing.assert_allclose(part, expected_part, atol=tolerance)


@pytest.mark.parametrize("attention_type", ["bahdanau", "dot"])
def test_padding_of_the_source_changes_nothing(attention_type):
    decoder = make_decoder(attention_type, num_layers=2)
    state = initial_state("LSTMCell", 2)
    expected = numbers_of(decoder(DECODER_INPUTS, state, *padded_batch(LENGTHS, dim=2)))
    padded = numbers_of(decoder(DECODER_INPUTS, state, *padded_batch(LENGTHS, dim=2, extra=6)))
    np.testing.assert_allclose(padded, expected, atol=1e-5)


@pytest.mark.parametrize("attention_type", KINDS)
def test_never_looks_ahead(attention_type):
    decoder = make_decoder(attention_type)
    source = padded_batch(LENGTHS, dim=2)
    changed = DECODER_INPUTS.copy()
    changed[:, 3] += 1
    state = initial_state("LSTMCell", 1)
    before = numbers_of(decoder(DECODER_INPUTS, state, *source))
    after = numbers_of(decoder(changed, state, *source))
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (np.abs(after - before)[:, 3:].max(axis=-1) > 1e-4).all()


@pytest.mark.parametrize("attention_type", KINDS)
def test_dropout_is_off_unless_training(attention_type):
    source = padded_batch(LENGTHS, dim=2)
    state = initial_state("LSTMCell", 2)
    outputs = []
    for rate in (0.0, 0.5):
        decoder = make_decoder(
            attention_type, num_layers=2, input_dropout=rate, output_dropout=rate
        )
        outputs.append(numbers_of(decoder(DECODER_INPUTS, state, *source)))
        outputs.append(numbers_of(decoder(DECODER_INPUTS, state, *source, training=True)))
    plain, plain_training, dropped, dropped_training = outputs
    np.testing.assert_array_equal(plain, plain_training)
    np.testing.assert_array_equal(plain, dropped)
    assert np.abs(dropped_training - plain).max() > 0.1


@pytest.mark.parametrize("attention_type", KINDS)
def test_output_dropout_rate(attention_type):
    decoder = make_decoder(attention_type, cell="GRUCell", output_dropout=0.3)
    inputs = np.ones((30, 20, 3), "float32")
    source = np.ones((30, 4, 2), "float32"), np.ones((30, 4), bool)
    state = initial_state("GRUCell", 1, batch_size=30)
    outputs = numbers_of(decoder(inputs, state, *source))
    dropped = numbers_of(decoder(inputs, state, *source, training=True))
    assert_rate(dropped == 0, 0.3)
    np.testing.assert_allclose(
        dropped, np.where(dropped == 0, 0, outputs / 0.7), rtol=1e-5, atol=1e-7
    )
    assert_independent(dropped[:, 0] == 0, dropped[:, 1] == 0)


@pytest.mark.parametrize(("num_layers", "kept"), [(1, 0.8), (2, 0.8 * 0.7 * 0.8)])
def test_input_dropout_and_noise_between_layers(num_layers, kept):
    decoder = make_decoder(
        None,
        dim=UNITS,
        cell="GRUCell",
        num_layers=num_layers,
        input_dropout=0.2,
        output_dropout=0.3 if num_layers == 2 else 0.0,
    )
    for cell in decoder.cells.cells:
        forget_everything(cell, 0.5 * np.eye(UNITS))
    # The outputs would be dropped at the end too, which hides what was dropped within.
    decoder.drop_outputs.rate = 0.0
    inputs = np.ones((30, 20, UNITS), "float32")
    state = initial_state("GRUCell", num_layers, batch_size=30)
    outputs = numbers_of(decoder(inputs, state, training=True))
    assert_rate(outputs == 0, 1 - kept)
    expected = np.tanh(0.5 / 0.8)
    if num_layers == 2:
        expected = np.tanh(0.5 * expected / (0.8 * 0.7))
    np.testing.assert_allclose(outputs, np.where(outputs == 0, 0, expected), rtol=1e-5)
    for time in range(1, 20):
        assert_independent(outputs[:, 0] == 0, outputs[:, time] == 0)


@pytest.mark.parametrize("decoder_class", [AttentionDecoder, BasicDecoder])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_units": 0}, "`num_units` must be an integer of at least 1. Received: num_units=0"),
        (
            {"num_layers": 0},
            "`num_layers` must be an integer of at least 1. Received: num_layers=0",
        ),
        (
            {"input_dropout": 1.5},
            "`input_dropout` must be a number of at least 0 and below 1. "
            "Received: input_dropout=1.5",
        ),
        (
            {"output_dropout": "much"},
            "`output_dropout` must be a number of at least 0 and below 1. "
            "Received: output_dropout='much'",
        ),
        (
            {"cell": "LSTM"},
            "`cell` must be one of LSTMCell, GRUCell, the config of a layer, or a layer. "
            "Received: cell='LSTM' (did you mean 'LSTMCell'?)",
        ),
    ],
)
def test_decoder_refuses_bad_arguments(decoder_class, arguments, message):
    with pytest.raises(ValueError) as error:
        decoder_class(**{"num_units": 4, **arguments})
    assert str(error.value) == message


@pytest.mark.parametrize("attention_type", KINDS)
@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_basics(tmp_path, attention_type, cell_type):
    arguments = {
        "num_units": UNITS,
        "cell": cell_type,
        "num_layers": 2,
        "input_dropout": 0.1,
        "output_dropout": 0.2,
        "residual_connections": True,
    }
    encoder_outputs, mask = padded_batch(LENGTHS, dim=2)
    inputs = {"inputs": DECODER_INPUTS, "initial_state": initial_state(cell_type, 2)}
    if attention_type:
        is_gru = cell_type == "GRUCell"
        arguments |= {"attention": attention_type, "attention_units": 5, "context_skip": is_gru}
        inputs |= {"encoder_outputs": np.clip(encoder_outputs, -3, 3), "mask": mask}
    decoder_class = AttentionDecoder if attention_type else BasicDecoder
    check_layer_basics(decoder_class, arguments, inputs, (3, 6, UNITS), tmp_path)


BASIC_STATE = [[np.ones((2, 4), "float32"), np.ones((2, 4), "float32")]]
BASIC_INPUTS = np.ones((2, 5, 3), "float32")


def test_takes_the_place_of_an_attention_decoder_without_using_the_source():
    decoder = BasicDecoder(4)
    source = np.ones((2, 3, 2), "float32")
    given = decoder(BASIC_INPUTS, BASIC_STATE, source, mask=np.ones((2, 3), bool))
    np.testing.assert_array_equal(numbers_of(given), numbers_of(decoder(BASIC_INPUTS, BASIC_STATE)))
    assert decoder.state_sizes == AttentionDecoder(4).state_sizes


def test_starts_from_the_initial_state():
    decoder = BasicDecoder(4)
    outputs = numbers_of(decoder(BASIC_INPUTS, BASIC_STATE))
    others = numbers_of(decoder(BASIC_INPUTS, [[0 * state for state in BASIC_STATE[0]]]))
    assert (np.abs(outputs - others).max(axis=-1) > 1e-4).all()


SOURCE, MASK = padded_batch([3, 2], dim=2)
ATTENTION_STATE = [[np.zeros((2, 4), "float32")]]
INPUTS = np.ones((2, 5, 3), "float32")


def test_returns_attention_scores_if_asked():
    decoder = AttentionDecoder(4, cell="GRUCell")
    outputs = decoder(INPUTS, ATTENTION_STATE, SOURCE, mask=MASK)
    outputs_too, scores = decoder(
        INPUTS, ATTENTION_STATE, SOURCE, mask=MASK, return_attention_scores=True
    )
    np.testing.assert_array_equal(numbers_of(outputs), numbers_of(outputs_too))
    scores = numbers_of(scores)
    assert scores.shape == (2, 5, 3)
    np.testing.assert_allclose(scores.sum(axis=-1), np.ones((2, 5)), atol=1e-6)
    assert (scores[1, :, 2] == 0).all()


def test_a_functional_model_can_give_attention_scores():
    inputs = [
        keras.Input(batch_shape=array.shape) for array in (INPUTS, ATTENTION_STATE[0][0], SOURCE)
    ]
    mask = keras.Input(batch_shape=MASK.shape, dtype="bool")
    decoder = AttentionDecoder(4, cell="GRUCell")
    outputs = decoder(inputs[0], [[inputs[1]]], inputs[2], mask=mask, return_attention_scores=True)
    assert [symbol.shape for symbol in outputs] == [(2, 5, 4), (2, 5, 3)]
    model = keras.Model([*inputs, mask], outputs)
    found = numbers_of(model([INPUTS, ATTENTION_STATE[0][0], SOURCE, MASK]))
    expected = decoder(INPUTS, ATTENTION_STATE, SOURCE, mask=MASK, return_attention_scores=True)
    for part, expected_part in zip(found, numbers_of(expected), strict=True):
        np.testing.assert_array_equal(part, expected_part)


def test_context_is_fed_into_the_next_step():
    decoder = AttentionDecoder(4, cell="GRUCell")
    outputs = numbers_of(decoder(INPUTS, ATTENTION_STATE, SOURCE, mask=MASK))
    decoder.context_kernel.assign(np.zeros(decoder.context_kernel.shape))
    without = numbers_of(decoder(INPUTS, ATTENTION_STATE, SOURCE, mask=MASK))
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
def test_attention_decoder_refuses_bad_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        AttentionDecoder(4, **arguments)
    assert str(error.value) == message
