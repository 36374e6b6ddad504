"""A recurrent decoder that knows the source by the encoder's final state only."""

import keras
from keras import ops

from keras_seq2seq.layers.decoder import Decoder


@keras.saving.register_keras_serializable("keras_seq2seq")
class BasicDecoder(Decoder):
    """Decodes from an initial state, without attention.

    Args:
        num_units: Integer, the units of each layer and the size of the output.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the rate at which each layer's inputs are dropped.
        output_dropout: Float, the rate at which each layer's outputs are dropped.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.

    Call arguments:
        inputs: Tensor `(batch, target_length, dim)`, the embedded target, shifted to the right.
        initial_state: For each layer a list of tensors `(batch, num_units)`, `[h]` or `[h, c]`.
        encoder_outputs, mask: Accepted so that decoders can take each other's place; not used.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs of the highest layer, `(batch, target_length, num_units)`.

    Example:
        >>> decoder = BasicDecoder(64, cell_type="GRUCell")
        >>> outputs = decoder(embedded, initial_state)

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    def build(
        self, inputs_shape, initial_state_shape=None, encoder_outputs_shape=None, mask_shape=None
    ):
        self.cells.build(inputs_shape)
        self.built = True

    def call(self, inputs, initial_state, encoder_outputs=None, mask=None, training=False):
        outputs, _ = self._run(
            inputs, initial_state, encoder_outputs, mask, training, keep=("hidden",)
        )
        return outputs

    def project_memory(self, encoder_outputs, mask):
        """Returns an empty memory."""
        return {}

    def initial_states(self, initial_state, memory):
        """Returns the states before the first step."""
        initial_state = self.widen(initial_state)
        return {"cells": initial_state, "hidden": ops.zeros_like(initial_state[-1][0])}

    def _advance(self, projected, states, memory, noise=None):
        hidden, cell_states = self.cells.step(projected, states["cells"], noise)
        return {"cells": cell_states, "hidden": hidden}

    def _read_out(self, states):
        return states["hidden"]
