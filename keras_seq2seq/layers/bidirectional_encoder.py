"""An encoder that reads the source in both directions."""

import keras
from keras import ops

from keras_seq2seq.layers.encoder import Encoder
from keras_seq2seq.layers.recurrent_layer import RecurrentLayer


@keras.saving.register_keras_serializable("keras_seq2seq")
class BidirectionalEncoder(Encoder):
    """Encodes a sequence of vectors with recurrent layers that read it in both directions.

    Each layer reads the concatenated outputs of the layer below it, so that every layer above
    the first sees the whole sequence from both sides.

    Args:
        num_units: Integer, the units of each direction of each layer.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the rate at which each layer's inputs are dropped.
        output_dropout: Float, the rate at which each layer's outputs are dropped.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.

    Call arguments:
        inputs: Tensor `(batch, time, dim)`: embeddings, or any other features.
        mask: Boolean tensor `(batch, time)`, true for real positions. Padding is on the right.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs `(batch, time, 2 * num_units)`, forward then backward, and the final state:
        for each layer a list of tensors `(batch, 2 * num_units)`, `[h]` for a GRU, `[h, c]` for
        an LSTM, the forward direction after the last real position, the backward direction
        after the first.

    Example:
        >>> encoder = BidirectionalEncoder(64, cell_type="GRUCell")
        >>> outputs, state = encoder(embedded, mask=ids != 0)

    Reference:
        - Bahdanau et al., 2015, "Neural Machine Translation by Jointly Learning to Align and
          Translate", https://arxiv.org/abs/1409.0473, section 3.2
    """

    def _make_layers(self):
        # Two flat lists: Keras before 3.13 silently leaves layers in nested lists out of files.
        self.forward_layers = self._make_direction("forward", go_backwards=False)
        self.backward_layers = self._make_direction("backward", go_backwards=True)

    def _make_direction(self, name, go_backwards):
        return [
            RecurrentLayer(
                self.cell_type,
                self.num_units,
                go_backwards=go_backwards,
                layer_normalization=self.layer_normalization,
                dtype=self.dtype_policy,
                name=f"{name}_{index}",
            )
            for index in range(self.num_layers)
        ]

    def build(self, inputs_shape, mask_shape=None):
        dim = inputs_shape[-1]
        for forward, backward in zip(self.forward_layers, self.backward_layers, strict=True):
            forward.build((None, None, dim))
            backward.build((None, None, dim))
            dim = 2 * self.num_units
        self.built = True

    @property
    def state_sizes(self):
        """The sizes of the final states: a list of tuples, by layer."""
        return [tuple(2 * size for size in layer.cell.state_sizes) for layer in self.forward_layers]

    def _project(self, index, inputs):
        return [
            layers[index].project(inputs) for layers in (self.forward_layers, self.backward_layers)
        ]

    def _run_layer(self, index, projected, mask):
        forward, backward = projected
        forward_outputs, forward_state = self.forward_layers[index].run(forward, mask)
        backward_outputs, backward_state = self.backward_layers[index].run(backward, mask)
        state = [
            ops.concatenate(pair, axis=-1)
            for pair in zip(forward_state, backward_state, strict=True)
        ]
        return ops.concatenate([forward_outputs, backward_outputs], axis=-1), state
