"""Cells run over time: one cell over a sequence, and a stack of cells step by step."""

import keras
from keras import ops

from keras_seq2seq.backend import scan
from keras_seq2seq.layers.cells import make_cell, zero_states
from keras_seq2seq.layers.layer import Layer, check_rate, check_size


def make_dropout(rate, variational, **kwargs):
    """Returns the dropout of a tensor `(time, batch, features)`.

    Args:
        rate: Float, the rate.
        variational: Boolean, whether what is dropped is the same at all time steps, as in Gal and
            Ghahramani, 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural
            Networks", https://arxiv.org/abs/1512.05287, but not in the recurrent state.
        **kwargs: Passed to `keras.layers.Dropout`.
    """
    noise_shape = (1, None, None) if variational else None
    return keras.layers.Dropout(rate, noise_shape=noise_shape, **kwargs)


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


@keras.saving.register_keras_serializable("keras_seq2seq")
class StackedCells(Layer):
    """A stack of cells, each fed with the output of the one below, advanced together.

    A decoder cannot run one layer over all time steps before the next begins, since what it
    attends to is fed back; only the lowest cell's input projection is known beforehand.

    Args:
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_units: Integer, the size of each cell's output.
        num_layers: Integer, the number of cells.
        dropout: Float, the rate at which what passes from cell to cell is dropped.
        residual_connections: Boolean, whether each cell above the lowest adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.
    """

    def __init__(
        self,
        cell_type,
        num_units,
        num_layers=1,
        dropout=0.0,
        residual_connections=False,
        variational_dropout=False,
        layer_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("num_layers", num_layers)
        check_rate("dropout", dropout)
        self.cell_type = cell_type
        self.num_units = num_units
        self.num_layers = num_layers
        self.dropout = dropout
        self.residual_connections = residual_connections
        self.variational_dropout = variational_dropout
        self.layer_normalization = layer_normalization
        self.cells = [
            make_cell(
                cell_type,
                num_units,
                layer_normalization=layer_normalization,
                dtype=self.dtype_policy,
                name=f"cell_{index}",
            )
            for index in range(num_layers)
        ]
        self.drop = make_dropout(dropout, variational_dropout, dtype=self.output_dtype)

    @property
    def state_sizes(self):
        """The sizes of the states of each cell: a list of tuples."""
        return [cell.state_sizes for cell in self.cells]

    @property
    def projection_size(self):
        return self.cells[0].projection_size

    def build(self, input_shape):
        for cell in self.cells:
            cell.build(input_shape)
            input_shape = (*input_shape[:-1], self.num_units)
        self.built = True

    def project(self, inputs):
        """Returns the lowest cell's projection of `(..., input_dim)`."""
        return self.cells[0].project(inputs)

    def draw_noise(self, projected):
        """Returns dropout masks for all time steps, `(..., (num_layers - 1) * num_units)`.

        Drawn at once outside the loop, where random numbers are cheap.
        """
        shape = (*ops.shape(projected)[:-1], (self.num_layers - 1) * self.num_units)
        return self.drop(ops.ones(shape, dtype=projected.dtype), training=True)

    def step(self, projected, states, noise=None):
        """Advances by one time step.

        Args:
            projected: Tensor `(batch, projection_size)`, one time step of `project`.
            states: List of each cell's states.
            noise: Tensor `(batch, (num_layers - 1) * num_units)`, one time step of `draw_noise`,
                or `None` for no dropout.

        Returns:
            The output of the highest cell `(batch, num_units)` and the list of new states.
        """
        output, new_state = self.cells[0].step(projected, states[0])
        new_states = [new_state]
        masks = [] if noise is None else ops.split(noise, self.num_layers - 1, axis=-1)
        for index in range(1, self.num_layers):
            below = output
            inputs = below * masks[index - 1] if masks else below
            cell = self.cells[index]
            output, new_state = cell.step(cell.project(inputs), states[index])
            if self.residual_connections:
                output = output + below
            new_states.append(new_state)
        return output, new_states

    def get_config(self):
        return {
            **super().get_config(),
            "cell_type": self.cell_type,
            "num_units": self.num_units,
            "num_layers": self.num_layers,
            "dropout": self.dropout,
            "residual_connections": self.residual_connections,
            "variational_dropout": self.variational_dropout,
            "layer_normalization": self.layer_normalization,
        }
