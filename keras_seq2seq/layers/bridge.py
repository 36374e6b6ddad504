"""Bridges: from the encoder's final state to the decoder's initial state."""

import keras
from keras import ops

from keras_seq2seq.layers.layer import Layer


class Bridge(Layer):
    """Turns the encoder's final state into the decoder's initial state.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer:
            `decoder.state_sizes`.

    Call arguments:
        encoder_state: For each layer of the encoder a list of tensors `(batch, size)`.

    Output:
        For each layer of the decoder a list of tensors `(batch, size)`.
    """

    def __init__(self, state_sizes, **kwargs):
        super().__init__(**kwargs)
        self.state_sizes = [tuple(sizes) for sizes in state_sizes]

    def get_config(self):
        return {**super().get_config(), "state_sizes": self.state_sizes}


@keras.saving.register_keras_serializable("keras_seq2seq")
class ZeroBridge(Bridge):
    """Starts the decoder from zeros: what it knows of the source is what it attends to.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer.

    Call arguments:
        encoder_state: For each layer of the encoder a list of tensors `(batch, size)`.

    Output:
        For each layer of the decoder a list of zeros `(batch, size)`.
    """

    def call(self, encoder_state):
        batch_size = ops.shape(encoder_state[0][0])[0]
        return [
            [ops.zeros((batch_size, size), dtype=self.output_dtype) for size in sizes]
            for sizes in self.state_sizes
        ]


@keras.saving.register_keras_serializable("keras_seq2seq")
class PassThroughBridge(Bridge):
    """Starts the decoder from the encoder's final state, unchanged.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer.

    Call arguments:
        encoder_state: For each layer of the encoder a list of tensors `(batch, size)`.

    Output:
        `encoder_state`.

    Raises:
        ValueError: When built, if the two sides differ in layers, cell type or size. (A
            bidirectional encoder of n units gives states of 2n.)
    """

    def build(self, encoder_state_shape):
        found = [tuple(shape[-1] for shape in layer) for layer in encoder_state_shape]
        if found != self.state_sizes:
            raise ValueError(
                "A pass_through bridge needs an encoder whose states have the sizes of the "
                f"decoder's, {self.state_sizes} by layer, but the encoder's are {found}. "
                "Use a dense bridge, or make the two sides alike."
            )
        self.built = True

    def call(self, encoder_state):
        return self.to_output_dtype(encoder_state)


@keras.saving.register_keras_serializable("keras_seq2seq")
class DenseBridge(Bridge):
    """Starts the decoder from `tanh(s W + b)`, `s` being all of the encoder's final states.

    Args:
        state_sizes: List of tuples of integers, the sizes of the decoder's states by layer.

    Call arguments:
        encoder_state: For each layer of the encoder a list of tensors `(batch, size)`.

    Output:
        For each layer of the decoder a list of tensors `(batch, size)`.

    Reference:
        - Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473, appendix A.2.2
    """

    def build(self, encoder_state_shape):
        inputs = sum(shape[-1] for layer in encoder_state_shape for shape in layer)
        outputs = sum(size for sizes in self.state_sizes for size in sizes)
        self.kernel = self.add_weight(shape=(inputs, outputs), name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")
        self.built = True

    def call(self, encoder_state):
        tensors = [tensor for layer in encoder_state for tensor in layer]
        joined = ops.concatenate(tensors, axis=-1)
        state = ops.tanh(self.dense(joined, self.kernel, self.bias))
        initial_state, start = [], 0
        for sizes in self.state_sizes:
            layer = []
            for size in sizes:
                layer.append(state[:, start : start + size])
                start += size
            initial_state.append(layer)
        return initial_state
