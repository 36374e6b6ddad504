"""Several cells on top of each other that advance one time step at a time."""

import keras
from keras import ops

from keras_seq2seq.layers.arguments import check_rate, check_size
from keras_seq2seq.layers.cells import make_cell
from keras_seq2seq.layers.dropout import make_dropout
from keras_seq2seq.layers.layer import Layer


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
        self.drop = make_dropout(dropout, variational_dropout, dtype=self.wide_dtype)

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
