"""Bridges: from the encoder's final state to the decoder's initial state."""

import keras
from keras import ops

from keras_seq2seq.layers.layer import BaseLayer


class Bridge(BaseLayer):
    """Base class of the bridges, from the encoder's final to the decoder's initial state.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer:
            `decoder.state_sizes`.

    Call arguments:
        encoder_state: Nested structure of tensors `(batch, size)`, such as a list of them for each
            layer of the encoder.

    Output:
        A list of tensors `(batch, size)` for each layer of the decoder.
    """

    def __init__(self, state_sizes, **kwargs):
        super().__init__(**kwargs)
        self.state_sizes = [tuple(sizes) for sizes in state_sizes]

    def _by_layer(self, tensors):
        """Returns a flat list of tensors as a list for each layer of the decoder."""
        tensors = iter(tensors)
        return [[next(tensors) for _ in sizes] for sizes in self.state_sizes]

    def _flat_sizes(self):
        return [size for sizes in self.state_sizes for size in sizes]

    def get_config(self):
        return {**super().get_config(), "state_sizes": self.state_sizes}


@keras.saving.register_keras_serializable("keras_seq2seq")
class ZeroBridge(Bridge):
    """Initializes the decoder with zeros: it reads the source only through attention.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer.

    Call arguments:
        encoder_state: Nested structure of tensors `(batch, size)`.

    Output:
        A list of zeros `(batch, size)` for each layer of the decoder.

    Example:
        >>> bridge = ZeroBridge(decoder.state_sizes)
        >>> _, encoder_state = encoder(inputs)
        >>> initial_state = bridge(encoder_state)
    """

    def call(self, encoder_state):
        batch_size = ops.shape(keras.tree.flatten(encoder_state)[0])[0]
        return self._by_layer(
            ops.zeros((batch_size, size), dtype=self.output_dtype) for size in self._flat_sizes()
        )


@keras.saving.register_keras_serializable("keras_seq2seq")
class PassThroughBridge(Bridge):
    """Initializes the decoder with the encoder's final state, unchanged.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer.

    Call arguments:
        encoder_state: Nested structure of tensors `(batch, size)`.

    Output:
        The same tensors, as a list for each layer of the decoder.

    Raises:
        ValueError: When built, if the two sides differ in layers, cells or sizes. (A bidirectional
            encoder of n units returns states of size 2n.)

    Example:
        >>> bridge = PassThroughBridge(decoder.state_sizes)
        >>> _, encoder_state = encoder(inputs)
        >>> initial_state = bridge(encoder_state)
    """

    def build(self, encoder_state_shape):
        found = _sizes_by_layer(encoder_state_shape)
        if found != self.state_sizes:
            raise ValueError(
                "A pass_through bridge needs an encoder whose states have the sizes of the "
                f"decoder's, {self.state_sizes} by layer, but the encoder's are {found}. "
                "Use a dense bridge, or give both sides the same cells, layers and units."
            )
        self.built = True

    def call(self, encoder_state):
        return self._by_layer(keras.tree.flatten(self.to_output_dtype(encoder_state)))


@keras.saving.register_keras_serializable("keras_seq2seq")
class DenseBridge(Bridge):
    """Initializes the decoder with `tanh(s W + b)`, where `s` is the concatenated encoder state.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer.

    Call arguments:
        encoder_state: Nested structure of tensors `(batch, size)`.

    Output:
        A list of tensors `(batch, size)` for each layer of the decoder.

    Example:
        >>> bridge = DenseBridge(decoder.state_sizes)
        >>> _, encoder_state = encoder(inputs)
        >>> initial_state = bridge(encoder_state)

    Reference:
        - Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473, appendix A.2.2
    """

    def build(self, encoder_state_shape):
        inputs = sum(shape[-1] for shape in _flatten_shapes(encoder_state_shape))
        outputs = sum(self._flat_sizes())
        self.kernel = self.add_weight(shape=(inputs, outputs), name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")
        self.built = True

    def call(self, encoder_state):
        joined = ops.concatenate(keras.tree.flatten(encoder_state), axis=-1)
        state = ops.tanh(self.dense(joined, self.kernel, self.bias))
        tensors, start = [], 0
        for size in self._flat_sizes():
            tensors.append(state[:, start : start + size])
            start += size
        return self._by_layer(tensors)


def run_bridge(bridge, encoder_state, decoder):
    """Runs any bridge.

    Args:
        bridge: Layer or model, see `Seq2Seq`.
        encoder_state: Nested structure of tensors `(batch, size)`.
        decoder: The decoder whose initial state the bridge returns.

    Raises:
        ValueError: If a bridge that is not one of this package's fails.
    """
    if isinstance(bridge, Bridge):
        return bridge(encoder_state)
    try:
        return bridge(encoder_state)
    except Exception as error:
        shapes = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), encoder_state)
        raise ValueError(
            f"`bridge` must accept the encoder's state, of shapes {shapes}, and return the "
            f"decoder's, of sizes {decoder.state_sizes} by layer. {type(bridge).__name__} failed: "
            f"{error}"
        ) from error


def _flatten_shapes(shapes):
    """Returns the shapes in a nested structure of shapes as a flat list."""
    if isinstance(shapes, dict):
        shapes = [shapes[name] for name in sorted(shapes)]
    if _is_shape(shapes):
        return [shapes]
    return [flat for nested in shapes for flat in _flatten_shapes(nested)]


def _sizes_by_layer(shapes):
    """Returns a tuple of sizes for each layer; a flat list of shapes is one layer."""
    if isinstance(shapes, dict) or _is_shape(shapes) or any(map(_is_shape, shapes)):
        shapes = [shapes]
    return [tuple(shape[-1] for shape in _flatten_shapes(layer)) for layer in shapes]


def _is_shape(shape):
    return all(size is None or isinstance(size, int) for size in shape)


BRIDGES = {"zero": ZeroBridge, "pass_through": PassThroughBridge, "dense": DenseBridge}
