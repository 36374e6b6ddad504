"""An encoder that reads the source from left to right."""

import keras

from keras_seq2seq.layers.encoder import Encoder
from keras_seq2seq.layers.recurrent_layer import RecurrentLayer


@keras.saving.register_keras_serializable("keras_seq2seq")
class UnidirectionalEncoder(Encoder):
    """Encodes a sequence of vectors with a stack of recurrent layers read from left to right.

    Args:
        num_units: Integer, the units of each layer.
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
        The outputs `(batch, time, num_units)`, and the state after the last real position: for
        each layer a list of tensors `(batch, num_units)`, `[h]` for a GRU, `[h, c]` for an LSTM.

    Example:
        >>> encoder = UnidirectionalEncoder(64, cell_type="GRUCell", num_layers=2)
        >>> outputs, state = encoder(embedded, mask=ids != 0)

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    def _make_layers(self):
        self.layers = [
            RecurrentLayer(
                self.cell_type,
                self.num_units,
                layer_normalization=self.layer_normalization,
                dtype=self.dtype_policy,
                name=f"layer_{index}",
            )
            for index in range(self.num_layers)
        ]

    def build(self, inputs_shape, mask_shape=None):
        dim = inputs_shape[-1]
        for layer in self.layers:
            layer.build((None, None, dim))
            dim = self.num_units
        self.built = True

    @property
    def state_sizes(self):
        """The sizes of the final states: a list of tuples, by layer."""
        return [layer.cell.state_sizes for layer in self.layers]

    def _project(self, index, inputs):
        return self.layers[index].project(inputs)

    def _run_layer(self, index, projected, mask):
        return self.layers[index].run(projected, mask)
