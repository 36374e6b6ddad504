"""A bridge that passes nothing."""

import keras
from keras import ops

from keras_seq2seq.layers.bridge import Bridge


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
            [ops.zeros((batch_size, size), dtype=self.wide_dtype) for size in sizes]
            for sizes in self.state_sizes
        ]
