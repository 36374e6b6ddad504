"""Keras's own checks of layers: configs, builds, symbolic and eager calls, training, precision."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from keras_seq2seq.layers import (
    AttentionDecoder,
    BahdanauAttention,
    BasicDecoder,
    BidirectionalEncoder,
    DenseBridge,
    DotAttention,
    GRUCell,
    KerasCell,
    Logits,
    LSTMCell,
    PassThroughBridge,
    ScaledEmbedding,
    TiedLogits,
    UnidirectionalEncoder,
    WordDropout,
    ZeroBridge,
)
from keras_seq2seq.layers.cells import StackedCells
from keras_seq2seq.layers.recurrent_layer import RecurrentLayer

# The harness trains on a generator without `shuffle=False`.
pytestmark = pytest.mark.filterwarnings("ignore:.*shuffle=True. was passed")

MASK = np.array([[True] * 5, [True, True, False, False, False]])
IDS = np.array([[5, 4, 1], [6, 4, 0]])
STATE_SIZES = [(3, 3), (3, 3)]


@pytest.fixture
def harness():
    return TestCase()


def run(harness, layer_class, arguments, masks=False, **options):
    """Runs the harness, with and without a mask if the layer takes one."""
    for call_arguments in ({}, {"mask": MASK}) if masks else ({},):
        harness.run_layer_test(layer_class, arguments, call_kwargs=call_arguments, **options)


def run_with_states(harness, layer_class, arguments, **options):
    """Runs the harness on a layer that returns lists of states, on which it cannot train."""
    run(harness, layer_class, arguments, run_training_check=False, **options)
    layer = layer_class(**arguments)
    inputs = keras.tree.map_shape_structure(keras.random.normal, options["input_shape"])
    layer(inputs)
    check_training(layer, inputs)


def run_on_several_inputs(harness, layer_class, arguments, expected_shapes, *inputs, mask=None):
    """Checks what the harness does, for a layer with several inputs, which it cannot call."""
    for dtype in ("float32", "mixed_float16"):
        layer = layer_class(**arguments, dtype=dtype)
        harness.run_class_serialization_test(layer)
        outputs = layer(*inputs, mask=mask)
        shapes = keras.tree.map_structure(lambda x: x.shape, inputs)
        built = layer_class(**arguments, dtype=dtype)
        built.build(*shapes)
        assert [w.shape for w in built.weights] == [w.shape for w in layer.weights]
        assert {weight.dtype for weight in layer.weights} == {"float32"}
        symbols = symbols_like(inputs)
        for found in (outputs, layer(*symbols, mask=mask), layer.compute_output_spec(*symbols)):
            assert keras.tree.map_structure(lambda x: tuple(x.shape), found) == expected_shapes
            assert {
                keras.backend.standardize_dtype(x.dtype) for x in keras.tree.flatten(found)
            } == {"float32"}
    check_training(layer_class(**arguments), *inputs)


def symbols_like(inputs):
    return keras.tree.map_structure(lambda x: keras.Input(batch_shape=x.shape), inputs)


def check_training(layer, *inputs):
    """Checks that a step of `fit` changes weights and that `predict` agrees with a call."""
    symbols = symbols_like(inputs)
    outputs = keras.tree.flatten(layer(*symbols))
    total = sum(keras.ops.sum(output, axis=range(1, len(output.shape))) for output in outputs)
    model = keras.Model(symbols, total)
    expected = model(inputs).numpy()
    np.testing.assert_allclose(model.predict(inputs, verbose=0), expected, rtol=1e-5, atol=1e-6)
    if not layer.trainable_weights:
        return
    before = [weight.numpy() for weight in layer.trainable_weights]
    model.compile("sgd", loss=lambda y_true, y_pred: keras.ops.sum(y_pred))
    model.fit(inputs, np.zeros(2), verbose=0)
    after = [weight.numpy() for weight in layer.trainable_weights]
    assert any((x != y).any() for x, y in zip(before, after, strict=True))


# Each cell with one of the encoders; the others take as long, and find the same.
@pytest.mark.parametrize(
    ("encoder", "width", "cell"),
    [
        (BidirectionalEncoder, 8, "LSTMCell"),
        (BidirectionalEncoder, 8, keras.layers.SimpleRNNCell(4)),
        (UnidirectionalEncoder, 4, "GRUCell"),
        pytest.param(BidirectionalEncoder, 8, "GRUCell", marks=pytest.mark.slow),
        pytest.param(UnidirectionalEncoder, 4, "LSTMCell", marks=pytest.mark.slow),
        pytest.param(
            UnidirectionalEncoder, 4, keras.layers.SimpleRNNCell(4), marks=pytest.mark.slow
        ),
    ],
)
def test_encoders(harness, encoder, width, cell):
    # A Keras cell has its output as one more state.
    sizes = [[(2, width)] * (1 if cell == "GRUCell" else 2)] * 2
    run_with_states(
        harness,
        encoder,
        {"num_units": 4, "cell": cell, "num_layers": 2},
        masks=True,
        input_shape=(2, 5, 3),
        expected_output_shape=((2, 5, width), sizes),
        supports_masking=True,
    )


@pytest.mark.parametrize("layer_normalization", [False, True])
@pytest.mark.parametrize("cell, states", [(GRUCell, 1), (LSTMCell, 2)])
def test_cells(harness, cell, states, layer_normalization):
    run_with_states(
        harness,
        cell,
        {"num_units": 4, "layer_normalization": layer_normalization},
        input_shape=(2, 3),
        expected_output_shape=((2, 4), [(2, 4)] * states),
    )


def test_keras_cell(harness):
    run_with_states(
        harness,
        KerasCell,
        {"cell": keras.layers.GRUCell(4)},
        input_shape=(2, 3),
        expected_output_shape=((2, 4), [(2, 4)] * 2),
        run_mixed_precision_check=False,  # The dtype is that of the Keras cell.
    )


@pytest.mark.parametrize("bridge", [ZeroBridge, PassThroughBridge, DenseBridge])
def test_bridges(harness, bridge):
    run_with_states(
        harness,
        bridge,
        {"state_sizes": STATE_SIZES},
        input_shape=[[(2, 3), (2, 3)], [(2, 3), (2, 3)]],
        input_dtype=[["float32", "float32"], ["float32", "float32"]],
        expected_output_shape=[[(2, 3), (2, 3)]] * 2,
    )


def test_embedding(harness):
    run(
        harness,
        ScaledEmbedding,
        {"input_dim": 7, "output_dim": 4},
        input_data=IDS,
        expected_output_shape=(2, 3, 4),
    )


def test_word_dropout(harness):
    run(
        harness,
        WordDropout,
        {"rate": 0.5, "seed": 1},
        input_data=IDS,
        expected_output=keras.ops.convert_to_tensor(IDS),
        run_training_check=False,  # Its outputs are integers.
    )


def test_logits(harness):
    run(
        harness,
        Logits,
        {"vocabulary_size": 7},
        input_shape=(2, 5, 3),
        expected_output_shape=(2, 5, 7),
        supports_masking=True,
    )


@pytest.mark.parametrize("units", [4, 3])
def test_tied_logits(harness, units):
    run(
        harness,
        TiedLogits,
        {"embedding": ScaledEmbedding(7, 4)},
        input_shape=(2, 5, units),
        expected_output_shape=(2, 5, 7),
        supports_masking=True,
    )


def test_recurrent_layer(harness):
    run(
        harness,
        RecurrentLayer,
        {"num_units": 4, "go_backwards": True},
        input_shape=(5, 2, 3),
        expected_output_shape=((None, 2, 4), [(2, 4), (2, 4)]),
        run_training_check=False,
    )


@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("attention", [BahdanauAttention, DotAttention])
def test_attentions(harness, attention, mask):
    query, values = keras.random.normal((2, 3)), keras.random.normal((2, 5, 6))
    shapes = ((2, 6), (2, 5))
    run_on_several_inputs(harness, attention, {"num_units": 4}, shapes, query, values, mask=mask)


@pytest.mark.parametrize(
    ("decoder", "cell", "mask"),
    [
        (AttentionDecoder, "LSTMCell", MASK),
        (AttentionDecoder, "GRUCell", None),
        (BasicDecoder, "LSTMCell", None),
        (BasicDecoder, "GRUCell", MASK),
    ],
)
def test_decoders(harness, decoder, cell, mask):
    arguments = {"num_units": 4, "cell": cell, "num_layers": 2}
    state = [[keras.random.normal((2, 4))] * (2 if cell == "LSTMCell" else 1)] * 2
    inputs = keras.random.normal((2, 3, 6)), state, keras.random.normal((2, 5, 7))
    run_on_several_inputs(harness, decoder, arguments, (2, 3, 4), *inputs, mask=mask)


def test_stacked_cells(harness):
    # Not called: a decoder takes its steps.
    harness.run_class_serialization_test(StackedCells([GRUCell(4), GRUCell(4)]))
