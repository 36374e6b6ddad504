"""A bridge that learns to translate one side's state into the other's."""

import keras
from keras import ops

from keras_seq2seq.layers.bridge import Bridge


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
        state = ops.tanh(self.affine(joined, self.kernel, self.bias))
        initial_state, start = [], 0
        for sizes in self.state_sizes:
            layer = []
            for size in sizes:
                layer.append(state[:, start : start + size])
                start += size
            initial_state.append(layer)
        return initial_state
