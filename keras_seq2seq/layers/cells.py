"""Recurrent cells, split into the part before the loop over time and the part within it."""

import keras
from keras import ops

from keras_seq2seq.layers.layer import Layer, check_size


class Orthogonal(keras.initializers.Orthogonal):
    """`keras.initializers.Orthogonal`, for weights of less than float32 too.

    Keras orthogonalises in the dtype of the weights, which no backend does for bfloat16.
    """

    def __call__(self, shape, dtype=None):
        dtype = dtype or keras.config.floatx()
        precise = keras.backend.result_type(dtype, "float32")
        return ops.cast(super().__call__(shape, precise), dtype)


_EPSILON = 1e-5


def normalize(inputs, gain):
    """Returns `inputs` with mean 0 and variance 1 over the last axis, times `gain`.

    Reference:
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450, equation 4
    """
    mean, variance = ops.moments(inputs, axes=-1, keepdims=True)
    return (inputs - mean) * ops.rsqrt(variance + _EPSILON) * gain


@keras.saving.register_keras_serializable("keras_seq2seq")
class GRUCell(Layer):
    """A gated recurrent unit whose input projection can be computed ahead of the recurrence.

    The reset gate is applied after the recurrent product, as cuDNN and `keras.layers.GRU` do:

        z, r = sigmoid(x W_zr + b_zr + h U_zr)
        g    = tanh(x W_g + b_g + r * (h U_g + c_g))
        h'   = z * h + (1 - z) * g

    `project` computes what depends on the inputs alone, for all time steps in one product;
    `step` is what has to stay inside the loop.

    With layer normalisation, `x W` and `h U` are normalised, each over all gates, before biases
    are added.

    Args:
        num_units: Integer, the size of the output and of the state.
        layer_normalization: Boolean, whether to do so.

    Reference:
        - Cho et al., 2014, "Learning Phrase Representations using RNN Encoder-Decoder",
          https://arxiv.org/abs/1406.1078, equations 5 to 8
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450
    """

    def __init__(self, num_units, layer_normalization=False, **kwargs):
        super().__init__(**kwargs)
        check_size("num_units", num_units)
        self.num_units = num_units
        self.layer_normalization = layer_normalization
        self.state_sizes = (num_units,)
        self.projection_size = 3 * num_units

    def build(self, input_shape):
        units = self.num_units
        self.kernel = self.add_weight(shape=(input_shape[-1], 3 * units), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(units, 3 * units), initializer=Orthogonal(), name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(3 * units,), initializer="zeros", name="bias")
        self.recurrent_bias = self.add_weight(
            shape=(units,), initializer="zeros", name="recurrent_bias"
        )
        if self.layer_normalization:
            self.input_gain, self.recurrent_gain = (
                self.add_weight(shape=(3 * units,), initializer="ones", name=name)
                for name in ("input_gain", "recurrent_gain")
            )
        self.built = True

    def project(self, inputs):
        """Returns `(..., 3 * num_units)` for inputs `(..., input_dim)`."""
        # What a decoder adds to it is normalised too, and so the bias has to wait.
        if self.layer_normalization:
            return self.matmul(inputs, self.kernel)
        return self.dense(inputs, self.kernel, self.bias)

    def step(self, projected, states):
        """Advances by one time step.

        Args:
            projected: Tensor `(batch, 3 * num_units)`, one time step of `project`.
            states: List of one tensor `(batch, num_units)`.

        Returns:
            The output `(batch, num_units)` and the list of new states.
        """
        (hidden,) = states
        recurrent = self.matmul(hidden, self.recurrent_kernel)
        if self.layer_normalization:
            projected = normalize(
                projected, self.to_output_dtype(self.input_gain)
            ) + self.to_output_dtype(self.bias)
            recurrent = normalize(recurrent, self.to_output_dtype(self.recurrent_gain))
        input_update, input_reset, input_candidate = ops.split(projected, 3, axis=-1)
        recurrent_update, recurrent_reset, recurrent_candidate = ops.split(recurrent, 3, axis=-1)
        update = ops.sigmoid(input_update + recurrent_update)
        reset = ops.sigmoid(input_reset + recurrent_reset)
        recurrent_candidate = recurrent_candidate + self.to_output_dtype(self.recurrent_bias)
        candidate = ops.tanh(input_candidate + reset * recurrent_candidate)
        output = candidate + update * (hidden - candidate)
        return output, [output]

    def call(self, inputs, states):
        return self.step(self.project(inputs), self.to_output_dtype(states))

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "layer_normalization": self.layer_normalization,
        }


@keras.saving.register_keras_serializable("keras_seq2seq")
class LSTMCell(Layer):
    """A long short-term memory cell whose input projection can be computed ahead of the loop.

        i, f, o = sigmoid(x W + b + h U)
        g       = tanh(x W_g + b_g + h U_g)
        c'      = f * c + i * g
        h'      = o * tanh(c')

    The forget gate's bias starts at one. `project` computes what depends on the inputs alone, for
    all time steps in one product; `step` is what has to stay inside the loop.

    With layer normalisation, `x W` and `h U` are normalised, each over all gates, before the bias
    is added, and `c'` in the last line.

    Args:
        num_units: Integer, the size of the output and of each of the two states `[h, c]`.
        layer_normalization: Boolean, whether to do so.

    Reference:
        - Hochreiter and Schmidhuber, 1997, "Long Short-Term Memory"; forget gate after Gers et
          al., 2000, "Learning to Forget"
        - Ba et al., 2016, "Layer Normalization", https://arxiv.org/abs/1607.06450, equations 20
          to 22
    """

    def __init__(self, num_units, layer_normalization=False, **kwargs):
        super().__init__(**kwargs)
        check_size("num_units", num_units)
        self.num_units = num_units
        self.layer_normalization = layer_normalization
        self.state_sizes = (num_units, num_units)
        self.projection_size = 4 * num_units

    def build(self, input_shape):
        units = self.num_units
        self.kernel = self.add_weight(shape=(input_shape[-1], 4 * units), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(units, 4 * units), initializer=Orthogonal(), name="recurrent_kernel"
        )
        self.bias = self.add_weight(
            shape=(4 * units,), initializer=self._forget_bias_of_one, name="bias"
        )
        if self.layer_normalization:
            self.input_gain, self.recurrent_gain, self.memory_gain = (
                self.add_weight(shape=(size,), initializer="ones", name=name)
                for name, size in [
                    ("input_gain", 4 * units),
                    ("recurrent_gain", 4 * units),
                    ("memory_gain", units),
                ]
            )
            self.memory_bias = self.add_weight(
                shape=(units,), initializer="zeros", name="memory_bias"
            )
        self.built = True

    def _forget_bias_of_one(self, shape, dtype=None):
        units = self.num_units
        zeros, ones = ops.zeros((units,), dtype=dtype), ops.ones((units,), dtype=dtype)
        return ops.concatenate([zeros, ones, zeros, zeros])

    def project(self, inputs):
        """Returns `(..., 4 * num_units)` for inputs `(..., input_dim)`."""
        # What a decoder adds to it is normalised too, and so the bias has to wait.
        if self.layer_normalization:
            return self.matmul(inputs, self.kernel)
        return self.dense(inputs, self.kernel, self.bias)

    def step(self, projected, states):
        """Advances by one time step.

        Args:
            projected: Tensor `(batch, 4 * num_units)`, one time step of `project`.
            states: List `[h, c]` of tensors `(batch, num_units)`.

        Returns:
            The output `(batch, num_units)` and the list of new states.
        """
        hidden, memory = states
        recurrent = self.matmul(hidden, self.recurrent_kernel)
        if self.layer_normalization:
            recurrent = normalize(recurrent, self.to_output_dtype(self.recurrent_gain))
            projected = normalize(
                projected, self.to_output_dtype(self.input_gain)
            ) + self.to_output_dtype(self.bias)
        *gates, candidate = ops.split(projected + recurrent, 4, axis=-1)
        input_gate, forget_gate, output_gate = map(ops.sigmoid, gates)
        memory = forget_gate * memory + input_gate * ops.tanh(candidate)
        shown = memory
        if self.layer_normalization:
            shown = normalize(
                memory, self.to_output_dtype(self.memory_gain)
            ) + self.to_output_dtype(self.memory_bias)
        output = output_gate * ops.tanh(shown)
        return output, [output, memory]

    def call(self, inputs, states):
        return self.step(self.project(inputs), self.to_output_dtype(states))

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "layer_normalization": self.layer_normalization,
        }


CELLS = {"LSTMCell": LSTMCell, "GRUCell": GRUCell}


def make_cell(cell_type, num_units, **kwargs):
    """Returns a new cell.

    Raises:
        ValueError: If `cell_type` is not a name in `CELLS`.
    """
    if cell_type not in CELLS:
        raise ValueError(
            f"`cell_type` must be one of {', '.join(CELLS)}. Received: cell_type={cell_type!r}"
        )
    return CELLS[cell_type](num_units, **kwargs)


def zero_states(cell, batch_size, dtype):
    """Returns the list of a cell's states, each zeros `(batch, size)`."""
    return [ops.zeros((batch_size, size), dtype=dtype) for size in cell.state_sizes]
