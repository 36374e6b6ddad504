"""Recurrent cells, split into the part before the loop over time and the part within it."""

import keras
from keras import ops

from keras_seq2seq.layers.layer import BaseLayer, check_size

_EPSILON = 1e-5


class Cell(BaseLayer):
    """Base class of the cells.

    A cell is split in two: `project` computes what depends on the inputs alone, for all time steps
    in one product, and `step` is what has to stay inside the loop.

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
        check_size("num_units", num_units)
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

    def __init__(self, num_units, layer_normalization=False, **kwargs):
        super().__init__(num_units, **kwargs)
        self.layer_normalization = layer_normalization
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

    num_gates = 3

    def __init__(self, num_units, layer_normalization=False, **kwargs):
        super().__init__(num_units, layer_normalization, **kwargs)
        self.state_sizes = (num_units,)

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

        i, f, o = sigmoid(x W + b + h U)
        g       = tanh(x W_g + b_g + h U_g)
        c'      = f * c + i * g
        h'      = o * tanh(c')

    The bias of the forget gate is initialized to one. With layer normalization, `x W` and `h U` are
    normalized, each over all gates, before the bias is added, and so is `c'` in the last line.

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

    num_gates = 4

    def __init__(self, num_units, layer_normalization=False, **kwargs):
        super().__init__(num_units, layer_normalization, **kwargs)
        self.state_sizes = (num_units, num_units)

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
