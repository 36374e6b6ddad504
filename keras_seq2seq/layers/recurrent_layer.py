"""Cells run over time: one cell over a sequence, and a stack of cells step by step."""

from functools import partial

import keras
from keras import ops

from keras_seq2seq.backend import CAN_COMPILE_LOOPS, scan
from keras_seq2seq.layers.cell_templates import (
    DEFAULT_CELL,
    cell_from_old_arguments,
    clone_cell,
    get_cell,
)
from keras_seq2seq.layers.layer import BaseLayer, check_rate, check_size, serialize_part


class CellLayer(BaseLayer):
    """Base class of the layers that contain cells: holds the template that they are cloned from.

    Args:
        num_units: Integer, the size of the cells. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell: `"LSTMCell"`, `"GRUCell"`, a layer of these
            classes, a subclass of `Cell`, or a Keras cell.
    """

    def __init__(self, num_units=None, cell=DEFAULT_CELL, **kwargs):
        cell = cell_from_old_arguments(cell, num_units, kwargs)
        super().__init__(**kwargs)
        template = get_cell(cell, num_units)
        self.num_units = template.num_units
        self.cell_config = serialize_part(template)
        # A function, so that Keras does not take the template for a layer with weights to save.
        self._clone_template = partial(clone_cell, template)
        # On TensorFlow the loop over time has no fixed length, which XLA needs.
        self.supports_jit = CAN_COMPILE_LOOPS

    def _make_cell(self, name):
        """Returns a new cell like the template, with the dtype policy of this layer."""
        return self._clone_template(name=name, dtype=self.dtype_policy)

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "cell": self.cell_config,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        cell = config.pop("cell", DEFAULT_CELL)
        cell = cell_from_old_arguments(cell, config["num_units"], config, warn=False)
        return cls(**config, cell=cell)


class RecurrentStack(CellLayer):
    """Base class of the encoders and decoders: a stack of recurrent layers with dropout.

    Args:
        num_units: Integer, the size of the cells. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the dropout rate of each layer's inputs.
        output_dropout: Float, the dropout rate of each layer's outputs.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
    """

    def __init__(
        self,
        num_units=None,
        cell=DEFAULT_CELL,
        num_layers=1,
        input_dropout=0.0,
        output_dropout=0.0,
        residual_connections=False,
        variational_dropout=False,
        **kwargs,
    ):
        super().__init__(num_units, cell, **kwargs)
        check_size("num_layers", num_layers)
        check_rate("input_dropout", input_dropout)
        check_rate("output_dropout", output_dropout)
        self.num_layers = num_layers
        self.input_dropout = input_dropout
        self.output_dropout = output_dropout
        self.residual_connections = residual_connections
        self.variational_dropout = variational_dropout
        self.supports_masking = True
        self._make_layers()
        self.drop_inputs, self.drop_outputs = (
            make_dropout(rate, variational_dropout, dtype=self.output_dtype)
            for rate in (input_dropout, output_dropout)
        )

    def _make_layers(self):
        """Creates the layers of the stack."""
        raise NotImplementedError

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "input_dropout": self.input_dropout,
            "output_dropout": self.output_dropout,
            "residual_connections": self.residual_connections,
            "variational_dropout": self.variational_dropout,
        }


@keras.saving.register_keras_serializable("keras_seq2seq")
class RecurrentLayer(CellLayer):
    """Runs a cell over time, forwards or backwards, and keeps its state through padding.

    Time is the leading axis, as the loop requires.

    Args:
        num_units: Integer, the size of the output. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template.
        go_backwards: Boolean, whether to read from the end. Outputs stay aligned with inputs.

    Call arguments:
        inputs: Tensor `(time, batch, input_dim)`.
        mask: Boolean tensor `(time, batch)`, true for real tokens. Defaults to all.

    Output:
        The outputs `(time, batch, num_units)` and the state after the last real token, a list of
        tensors `(batch, size)`: `[h]`, or `[h, c]` for an LSTM.
    """

    def __init__(self, num_units=None, cell=DEFAULT_CELL, go_backwards=False, **kwargs):
        super().__init__(num_units, cell, **kwargs)
        self.go_backwards = go_backwards
        self.cell = self._make_cell("cell")
        self.supports_masking = True

    def build(self, inputs_shape, mask_shape=None):
        self.cell.build(inputs_shape)
        self.built = True

    def call(self, inputs, mask=None):
        if mask is None:
            mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
        return self.run(self.project(inputs), mask)

    def project(self, inputs):
        """Returns what `run` needs of inputs `(..., input_dim)`: `(..., projection_size)`."""
        return self.cell.project(inputs)

    def run(self, projected, mask):
        """Returns outputs and state for projected inputs `(time, batch, projection_size)`."""
        sequence = [projected, ops.expand_dims(mask, axis=-1)]

        def step(inputs, states, _):
            projected, is_real = inputs
            _, new_states = self.cell.step(projected, states)
            return [
                ops.where(is_real, new, old) for new, old in zip(new_states, states, strict=True)
            ]

        states, outputs = scan(
            step,
            self.cell.zero_states(ops.shape(projected)[1]),
            sequence,
            keep=lambda states: states[0],
            weights=self.weights,
            go_backwards=self.go_backwards,
        )
        return outputs, states

    def compute_mask(self, *args, **kwargs):
        return None  # An implicit mask would have the batch axis first.

    def get_config(self):
        return {**super().get_config(), "go_backwards": self.go_backwards}


@keras.saving.register_keras_serializable("keras_seq2seq")
class StackedCells(CellLayer):
    """A stack of cells, each fed with the output of the one below, advanced together.

    A decoder cannot run one layer over all time steps before the next begins, since the context is
    fed back into the lowest layer. Only the lowest cell's input projection is computed before the
    loop.

    Args:
        num_units: Integer, the size of each cell's output. Defaults to that of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template.
        num_layers: Integer, the number of cells.
        dropout: Float, the dropout rate between two cells.
        residual_connections: Boolean, whether each cell above the lowest adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
    """

    def __init__(
        self,
        num_units=None,
        cell=DEFAULT_CELL,
        num_layers=1,
        dropout=0.0,
        residual_connections=False,
        variational_dropout=False,
        **kwargs,
    ):
        super().__init__(num_units, cell, **kwargs)
        check_size("num_layers", num_layers)
        check_rate("dropout", dropout)
        self.num_layers = num_layers
        self.dropout = dropout
        self.residual_connections = residual_connections
        self.variational_dropout = variational_dropout
        self.cells = [self._make_cell(f"cell_{index}") for index in range(num_layers)]
        self.drop = make_dropout(dropout, variational_dropout, dtype=self.output_dtype)

    @property
    def state_sizes(self):
        """The sizes of the states of each cell: a list of tuples."""
        return [cell.state_sizes for cell in self.cells]

    @property
    def projection_size(self):
        """The size of what `project` returns."""
        return self.cells[0].projection_size

    def build(self, input_shape):
        for cell in self.cells:
            cell.build(input_shape)
            input_shape = (*input_shape[:-1], self.num_units)
        self.built = True

    def project(self, inputs):
        """Returns the lowest cell's projection of `(..., input_dim)`."""
        return self.cells[0].project(inputs)

    def draw_dropout_masks(self, projected):
        """Returns dropout masks for all time steps, `(..., (num_layers - 1) * num_units)`.

        They are drawn at once, outside the loop, where random numbers are cheap.
        """
        shape = (*ops.shape(projected)[:-1], (self.num_layers - 1) * self.num_units)
        return self.drop(ops.ones(shape, dtype=projected.dtype), training=True)

    def step(self, projected, states, dropout_masks=None):
        """Advances by one time step.

        Args:
            projected: Tensor `(batch, projection_size)`, one time step of `project`.
            states: List of each cell's states.
            dropout_masks: Tensor `(batch, (num_layers - 1) * num_units)`, one time step of
                `draw_dropout_masks`, or `None` for no dropout.

        Returns:
            The output of the highest cell `(batch, num_units)` and the list of new states.
        """
        output, new_state = self.cells[0].step(projected, states[0])
        new_states = [new_state]
        masks = []
        if dropout_masks is not None:
            masks = ops.split(dropout_masks, self.num_layers - 1, axis=-1)
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
            "num_layers": self.num_layers,
            "dropout": self.dropout,
            "residual_connections": self.residual_connections,
            "variational_dropout": self.variational_dropout,
        }


def make_dropout(rate, variational, **kwargs):
    """Returns the dropout of a tensor `(time, batch, features)`.

    Args:
        rate: Float, the rate.
        variational: Boolean, whether the same units are dropped at all time steps, as in Gal and
            Ghahramani, 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural
            Networks", https://arxiv.org/abs/1512.05287, but not in the recurrent state.
        **kwargs: Passed to `keras.layers.Dropout`.
    """
    noise_shape = (1, None, None) if variational else None
    return keras.layers.Dropout(rate, noise_shape=noise_shape, **kwargs)
