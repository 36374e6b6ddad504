"""What the bridges share."""

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
