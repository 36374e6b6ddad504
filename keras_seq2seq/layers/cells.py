"""Recurrent cells, whose input projection precedes the loop over time, and stacks of cells."""

import keras
from keras import ops

from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers.layer import BaseLayer, check_rate, serialize_part

_EPSILON = 1e-5


class Cell(BaseLayer):
    """Base class of the cells.

    A cell is split in two: `project` computes what depends on the inputs alone, for all time steps
    in one product, and `step` what must stay inside the loop.

    Args:
        num_units: Integer, the size of the output.

    Attributes:
        state_sizes: Tuple of integers, the sizes of the states. The first state is the output.
        projection_size: Integer, the size of what `project` returns, known once built.

    Call arguments:
        inputs: Tensor `(batch, input_dim)`.
        states: List of tensors `(batch, size)`. Defaults to zeros.

    Output:
        The output `(batch, num_units)` and the list of new states.
    """

    def __init__(self, num_units, **kwargs):
        super().__init__(**kwargs)
        num_units = check_integer("num_units", num_units)
        self.num_units = num_units

    def project(self, inputs):
        """Returns `(..., projection_size)` for inputs `(..., input_dim)`."""
        raise NotImplementedError

    def step(self, projected, states):
        """Advances by one time step.

        Args:
            projected: Tensor `(..., projection_size)`, one time step of `project`.
            states: List of tensors `(..., size)`.

        Returns:
            The output `(..., num_units)` and the list of new states.
        """
        raise NotImplementedError

    def call(self, inputs, states=None):
        if states is None:
            states = self.zero_states(ops.shape(inputs)[0])
        return self.step(self.project(inputs), self.to_output_dtype(states))

    def zero_states(self, batch_size):
        """Returns the list of states before the first step, each zeros `(batch_size, size)`."""
        return [ops.zeros((batch_size, size), dtype=self.output_dtype) for size in self.state_sizes]

    def get_config(self):
        return {**super().get_config(), "num_units": self.num_units}


class GatedCell(Cell):
    """Base class of the cells with gates: their input projection, and layer normalization.

    With layer normalization, `x W` and `h U` are normalized, each over all gates, before biases
    are added.

    Args:
        num_units: Integer, the size of the output.
        layer_normalization: Boolean, whether to normalize.
    """

    num_gates: int
    num_states: int

    def __init__(self, num_units, layer_normalization=False, **kwargs):
        super().__init__(num_units, **kwargs)
        self.layer_normalization = layer_normalization
        self.state_sizes = (num_units,) * self.num_states
        self.projection_size = self.num_gates * num_units

    def _add_kernels(self, input_dim):
        size = self.projection_size
        self.kernel = self.add_weight(shape=(input_dim, size), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.num_units, size), initializer=Orthogonal(), name="recurrent_kernel"
        )

    def _add_gains(self):
        self.input_gain, self.recurrent_gain = (
            self.add_weight(shape=(self.projection_size,), initializer="ones", name=name)
            for name in ("input_gain", "recurrent_gain")
        )

    def project(self, inputs):
        # The sum with what a decoder adds is normalized before the bias is added.
        if self.layer_normalization:
            return self.matmul(inputs, self.kernel)
        return self.dense(inputs, self.kernel, self.bias)

    def _normalize_gates(self, projected, recurrent):
        if not self.layer_normalization:
            return projected, recurrent
        projected = normalize(projected, self.to_output_dtype(self.input_gain))
        recurrent = normalize(recurrent, self.to_output_dtype(self.recurrent_gain))
        return projected + self.to_output_dtype(self.bias), recurrent

    def get_config(self):
        return {**super().get_config(), "layer_normalization": self.layer_normalization}


@keras.saving.register_keras_serializable("keras_seq2seq")
class GRUCell(GatedCell):
    """A gated recurrent unit whose input projection is computed before the loop.

    The reset gate is applied after the recurrent product, as in cuDNN and `keras.layers.GRU`:

        z, r = sigmoid(x W_zr + b_zr + h U_zr)
        g    = tanh(x W_g + b_g + r * (h U_g + c_g))
        h'   = z * h + (1 - z) * g

    With layer normalization, `x W` and `h U` are normalized, each over all gates, before biases
    are added.

    Args:
        num_units: Integer, the size of the output and of the state.
        layer_normalization: Boolean, whether to normalize.

    Call arguments:
        inputs: Tensor `(batch, input_dim)`.
        states: List of one tensor `(batch, num_units)`. Defaults to zeros.

    Output:
        The output `(batch, num_units)` and the list of new states.

    Example:
        >>> encoder = UnidirectionalEncoder(cell=GRUCell(64, layer_normalization=True))
        >>> outputs, state = encoder(np.ones((2, 5, 8)))
        >>> outputs.shape
        (2, 5, 64)

    Reference:
        - Cho et al., 2014, "Learning Phrase Representations using RNN Encoder-Decoder",
          https://arxiv.org/abs/1406.1078, equations 5 to 8
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450
    """

    num_gates, num_states = 3, 1

    def build(self, input_shape):
        units = self.num_units
        self._add_kernels(input_shape[-1])
        self.bias = self.add_weight(shape=(3 * units,), initializer="zeros", name="bias")
        self.recurrent_bias = self.add_weight(
            shape=(units,), initializer="zeros", name="recurrent_bias"
        )
        if self.layer_normalization:
            self._add_gains()
        self.built = True

    def step(self, projected, states):
        (hidden,) = states
        recurrent = self.matmul(hidden, self.recurrent_kernel)
        projected, recurrent = self._normalize_gates(projected, recurrent)
        input_update, input_reset, input_candidate = ops.split(projected, 3, axis=-1)
        recurrent_update, recurrent_reset, recurrent_candidate = ops.split(recurrent, 3, axis=-1)
        update = ops.sigmoid(input_update + recurrent_update)
        reset = ops.sigmoid(input_reset + recurrent_reset)
        recurrent_candidate = recurrent_candidate + self.to_output_dtype(self.recurrent_bias)
        candidate = ops.tanh(input_candidate + reset * recurrent_candidate)
        output = candidate + update * (hidden - candidate)
        return output, [output]


@keras.saving.register_keras_serializable("keras_seq2seq")
class LSTMCell(GatedCell):
    """A long short-term memory cell whose input projection is computed before the loop.

        i, f, o = sigmoid(x W_ifo + b_ifo + h U_ifo)
        g       = tanh(x W_g + b_g + h U_g)
        c'      = f * c + i * g
        h'      = o * tanh(c')

    The bias of the forget gate is initialized to one. With layer normalization, `x W` and `h U` are
    each normalized over all gates before the bias is added, and `c'` is normalized in the last
    line.

    Args:
        num_units: Integer, the size of the output and of each of the two states `[h, c]`.
        layer_normalization: Boolean, whether to normalize.

    Call arguments:
        inputs: Tensor `(batch, input_dim)`.
        states: List `[h, c]` of tensors `(batch, num_units)`. Defaults to zeros.

    Output:
        The output `(batch, num_units)` and the list of new states.

    Example:
        >>> encoder = UnidirectionalEncoder(cell=LSTMCell(64, layer_normalization=True))
        >>> outputs, state = encoder(np.ones((2, 5, 8)))
        >>> outputs.shape
        (2, 5, 64)

    Reference:
        - Hochreiter and Schmidhuber, 1997, "Long Short-Term Memory"; forget gate: Gers et al.,
          2000, "Learning to Forget"
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450, equations 20
          to 22
    """

    num_gates, num_states = 4, 2

    def build(self, input_shape):
        units = self.num_units
        self._add_kernels(input_shape[-1])
        self.bias = self.add_weight(
            shape=(4 * units,), initializer=self._forget_bias_of_one, name="bias"
        )
        if self.layer_normalization:
            self._add_gains()
            # Files know the weights of the cell state by these names.
            self.cell_gain = self.add_weight(shape=(units,), initializer="ones", name="memory_gain")
            self.cell_bias = self.add_weight(
                shape=(units,), initializer="zeros", name="memory_bias"
            )
        self.built = True

    def _forget_bias_of_one(self, shape, dtype=None):
        units = self.num_units
        zeros, ones = ops.zeros((units,), dtype=dtype), ops.ones((units,), dtype=dtype)
        return ops.concatenate([zeros, ones, zeros, zeros])

    def step(self, projected, states):
        hidden, cell = states
        recurrent = self.matmul(hidden, self.recurrent_kernel)
        projected, recurrent = self._normalize_gates(projected, recurrent)
        *gates, candidate = ops.split(projected + recurrent, 4, axis=-1)
        input_gate, forget_gate, output_gate = map(ops.sigmoid, gates)
        cell = forget_gate * cell + input_gate * ops.tanh(candidate)
        normalized_cell = cell
        if self.layer_normalization:
            normalized_cell = normalize(cell, self.to_output_dtype(self.cell_gain))
            normalized_cell = normalized_cell + self.to_output_dtype(self.cell_bias)
        output = output_gate * ops.tanh(normalized_cell)
        return output, [output, cell]


@keras.saving.register_keras_serializable("keras_seq2seq")
class StackedCells(BaseLayer):
    """A stack of cells, each fed with the output of the one below, advanced together.

    A decoder cannot run one layer over all time steps before the next begins, since the context is
    fed back into the lowest layer. Only the lowest cell's input projection is computed before the
    loop.

    Args:
        cells: List of cells of the same size, the lowest first.
        dropout: Float, the dropout rate between two cells.
        residual_connections: Boolean, whether each cell above the lowest adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
    """

    def __init__(
        self, cells, dropout=0.0, residual_connections=False, variational_dropout=False, **kwargs
    ):
        super().__init__(**kwargs)
        check_rate("dropout", dropout)
        self.cells = list(cells)
        self.num_units = self.cells[0].num_units
        self.num_layers = len(self.cells)
        self.dropout = dropout
        self.residual_connections = residual_connections
        self.variational_dropout = variational_dropout
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
            "cells": [serialize_part(cell) for cell in self.cells],
            "dropout": self.dropout,
            "residual_connections": self.residual_connections,
            "variational_dropout": self.variational_dropout,
        }

    @classmethod
    def from_config(cls, config):
        cells = [keras.saving.deserialize_keras_object(cell) for cell in config["cells"]]
        return cls(**{**config, "cells": cells})


def normalize(inputs, gain):
    """Returns `inputs` with mean 0 and variance 1 over the last axis, times `gain`.

    Reference:
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450, equation 4
    """
    mean, variance = ops.moments(inputs, axes=-1, keepdims=True)
    return (inputs - mean) * ops.rsqrt(variance + _EPSILON) * gain


class Orthogonal(keras.initializers.Orthogonal):
    """`keras.initializers.Orthogonal` for weights in bfloat16 and float16 too.

    Keras orthogonalizes in the dtype of the weights, which no backend supports for bfloat16.
    """

    def __call__(self, shape, dtype=None):
        dtype = dtype or keras.config.floatx()
        precise = keras.backend.result_type(dtype, "float32")
        return ops.cast(super().__call__(shape, precise), dtype)


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
