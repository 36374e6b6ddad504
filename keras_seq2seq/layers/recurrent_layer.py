"""One cell run over a padded sequence in one direction."""

import keras
from keras import ops

from keras_seq2seq.layers.cells import make_cell, zero_states
from keras_seq2seq.layers.recurrence import scan


@keras.saving.register_keras_serializable("keras_seq2seq")
class RecurrentLayer(keras.layers.Layer):
    """Runs a cell over time, forwards or backwards, holding its state through padding.

    Time is the leading axis, which is how the loop wants it.

    Args:
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_units: Integer, the size of the output.
        go_backwards: Boolean, whether to read from the end. Outputs stay aligned with inputs.

    Call arguments:
        inputs: Tensor `(time, batch, input_dim)`.
        mask: Boolean tensor `(time, batch)`, true for real tokens.

    Output:
        The outputs `(time, batch, num_units)` and the state after the last real token, a list of
        tensors `(batch, num_units)`: `[h]`, or `[h, c]` for an LSTM.
    """

    def __init__(self, cell_type, num_units, go_backwards=False, **kwargs):
        super().__init__(**kwargs)
        self.cell_type = cell_type
        self.num_units = num_units
        self.go_backwards = go_backwards
        self.cell = make_cell(cell_type, num_units, dtype=self.dtype_policy, name="cell")
        self.supports_masking = True
        # ops.scan has no fixed list size on TensorFlow, which XLA needs.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def build(self, inputs_shape, mask_shape=None):
        self.cell.build(inputs_shape)
        self.built = True

    def call(self, inputs, mask):
        projected = self.cell.project(inputs)
        mask = ops.expand_dims(ops.cast(mask, projected.dtype), axis=-1)
        # ops.scan takes a single tensor on TensorFlow: the mask travels as the last column.
        sequence = ops.concatenate([projected, mask], axis=-1)
        if self.go_backwards:
            sequence = ops.flip(sequence, axis=0)

        def step(inputs, states):
            projected, mask = ops.split(inputs, [self.cell.projection_size], axis=-1)
            _, new_states = self.cell.step(projected, states)
            is_real = mask > 0.5
            return [
                ops.where(is_real, new, old) for new, old in zip(new_states, states, strict=True)
            ]

        states = zero_states(self.cell, ops.shape(inputs)[1], projected.dtype)
        states, all_states = scan(step, states, sequence)
        outputs = all_states[0]
        if self.go_backwards:
            outputs = ops.flip(outputs, axis=0)
        return outputs, states

    def compute_mask(self, *args, **kwargs):
        return None  # Masks are passed explicitly.

    def get_config(self):
        return {
            **super().get_config(),
            "cell_type": self.cell_type,
            "num_units": self.num_units,
            "go_backwards": self.go_backwards,
        }
