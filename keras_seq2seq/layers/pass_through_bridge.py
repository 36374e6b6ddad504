"""A bridge that passes the state as it is."""

import keras

from keras_seq2seq.layers.bridge import Bridge


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
        return self.widen(encoder_state)
