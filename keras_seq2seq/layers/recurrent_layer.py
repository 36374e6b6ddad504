"""One cell run over a padded sequence in one direction."""

import keras
from keras import ops

from keras_seq2seq.backend import scan
from keras_seq2seq.layers.cells import make_cell, zero_states
from keras_seq2seq.layers.layer import Layer


@keras.saving.register_keras_serializable("keras_seq2seq")
class RecurrentLayer(Layer):
    """Runs a cell over time, forwards or backwards, holding its state through padding.

    Time is the leading axis, which is how the loop wants it.

    Args:
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_units: Integer, the size of the output.
        go_backwards: Boolean, whether to read from the end. Outputs stay aligned with inputs.
        layer_normalization: Boolean, whether to normalise within the cell.

    Call arguments:
        inputs: Tensor `(time, batch, input_dim)`.
        mask: Boolean tensor `(time, batch)`, true for real tokens.

    Output:
        The outputs `(time, batch, num_units)` and the state after the last real token, a list of
        tensors `(batch, num_units)`: `[h]`, or `[h, c]` for an LSTM.
    """

    def __init__(
        self, cell_type, num_units, go_backwards=False, layer_normalization=False, **kwargs
    ):
        super().__init__(**kwargs)
        self.cell_type = cell_type
        self.num_units = num_units
        self.go_backwards = go_backwards
        self.layer_normalization = layer_normalization
        self.cell = make_cell(
            cell_type,
            num_units,
            layer_normalization=layer_normalization,
            dtype=self.dtype_policy,
            name="cell",
        )
        self.supports_masking = True
        # On TensorFlow the loop over time has no fixed length, which XLA needs.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def build(self, inputs_shape, mask_shape=None):
        self.cell.build(inputs_shape)
        self.built = True

    def call(self, inputs, mask):
        return self.run(self.project(inputs), mask)

    def project(self, inputs):
        """Returns what `run` needs of inputs `(..., input_dim)`: `(..., projection_size)`."""
        return self.cell.project(inputs)

    def run(self, projected, mask):
        """Does what is left: gives the output for projected inputs `(time, batch, ...)`."""
        sequence = [projected, ops.expand_dims(mask, axis=-1)]

        def step(inputs, states, _):
            projected, is_real = inputs
            _, new_states = self.cell.step(projected, states)
            return [
                ops.where(is_real, new, old) for new, old in zip(new_states, states, strict=True)
            ]

        states = zero_states(self.cell, ops.shape(projected)[1], projected.dtype)
        states, outputs = scan(
            step,
            states,
            sequence,
            keep=lambda states: states[0],
            weights=self.weights,
            go_backwards=self.go_backwards,
        )
        return outputs, states

    def compute_mask(self, *args, **kwargs):
        return None  # Masks are passed explicitly.

    def get_config(self):
        return {
            **super().get_config(),
            "cell_type": self.cell_type,
            "num_units": self.num_units,
            "go_backwards": self.go_backwards,
            "layer_normalization": self.layer_normalization,
        }
