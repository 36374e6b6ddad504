"""What every layer has to do, whatever it computes."""

import keras
import numpy as np
from keras import ops

from harness.numbers import numbers_of


def check_layer_basics(layer_class, arguments, inputs, output_shape, tmp_path):
    """Checks calls, config, training, precision and saving of one layer.

    Args:
        layer_class: the class.
        arguments: dict of constructor arguments.
        inputs: dict of call arguments, the first one first: nested lists of arrays.
        output_shape: nested structure of the shapes of the outputs.
        tmp_path: an empty directory.
    """
    layer = layer_class(**arguments)
    expected = numbers_of(_call(layer, inputs))
    assert keras.tree.map_structure(np.shape, expected) == output_shape
    for tensor in keras.tree.flatten(expected):
        assert np.isfinite(tensor).all()

    _check_config(layer, inputs, expected)
    _check_precision(layer, arguments, inputs, expected)
    model = _functional(layer, inputs)
    _check_symbols(model.output, expected)
    _check_close(numbers_of(model(list(inputs.values()))), expected, 1e-6)
    _check_saving(model, inputs, expected, tmp_path)
    if layer.weights:
        _check_fit_step(model, layer, inputs)


def _call(layer, inputs):
    (_, first), *rest = inputs.items()
    return layer(first, **dict(rest))


def _check_close(found, expected, tolerance):
    for a, b in zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def _check_config(layer, inputs, expected):
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    _call(twin, inputs)
    twin.set_weights(layer.get_weights())
    _check_close(numbers_of(_call(twin, inputs)), expected, 0)


def _check_precision(layer, arguments, inputs, expected):
    for dtype, output, variable, tolerance in (
        ("mixed_bfloat16", "float32", "float32", 0.05),
        ("bfloat16", "float32", "bfloat16", 0.05),
        ("float64", "float64", "float64", 1e-5),
    ):
        if dtype == "float64" and keras.backend.backend() == "jax":
            continue  # Turned off there unless a program asks for it at its start.
        twin = type(layer)(**arguments, dtype=dtype)
        _call(twin, inputs)
        twin.set_weights(layer.get_weights())
        outputs = _call(twin, inputs)
        for tensor in keras.tree.flatten(outputs):
            assert keras.backend.standardize_dtype(tensor.dtype) == output
        assert {weight.dtype for weight in twin.weights} <= {variable}
        _check_close(numbers_of(outputs), expected, tolerance)


def _functional(layer, inputs):
    def make_input(array):
        is_mask = array.dtype == bool
        dims = [None] * array.ndim if is_mask else [*[None] * (array.ndim - 1), array.shape[-1]]
        return keras.Input(batch_shape=dims, dtype="bool" if is_mask else "float32")

    symbols = keras.tree.map_structure(make_input, inputs)
    return keras.Model(list(symbols.values()), _call(layer, symbols))


def _check_symbols(symbols, expected):
    """What a functional model is told of the outputs before there are any."""

    def check(symbol, array):
        assert symbol.dtype == array.dtype.name
        for symbolic_size, size in zip(symbol.shape, array.shape, strict=True):
            assert symbolic_size in (None, size)

    keras.tree.map_structure(check, symbols, expected)


def _check_saving(model, inputs, expected, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    _check_close(numbers_of(loaded(list(inputs.values()))), expected, 1e-6)


def _check_fit_step(model, layer, inputs):
    """A weight that no gradient reaches stays the same."""
    outputs = keras.tree.flatten(model.output)
    # Shifted, as the squares of attention weights alone would be flat around uniform ones.
    total = sum(ops.mean(ops.square(output + 0.5)) for output in outputs)
    trained = keras.Model(model.input, total)
    # Eagerly, which spares the compilation. The tests of the models compile.
    trained.compile(keras.optimizers.SGD(1.0), loss=lambda y_true, y_pred: y_pred, run_eagerly=True)
    before = layer.get_weights()
    trained.train_on_batch(list(inputs.values()), np.zeros((1,), "float32"))
    changes = [
        np.abs(new - old).max() for new, old in zip(layer.get_weights(), before, strict=True)
    ]
    unchanged = [
        weight.path
        for weight, change in zip(layer.weights, changes, strict=True)
        if weight.trainable and not change > 1e-6
    ]
    assert not unchanged
