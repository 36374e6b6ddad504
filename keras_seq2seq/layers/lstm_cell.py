"""The long short-term memory cell, split for scanning."""

import keras
from keras import ops

from keras_seq2seq.layers.arguments import check_size
from keras_seq2seq.layers.layer import Layer
from keras_seq2seq.layers.normalize import normalize
from keras_seq2seq.layers.orthogonal import Orthogonal


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
            return self.multiply(inputs, self.kernel)
        return self.affine(inputs, self.kernel, self.bias)

    def step(self, projected, states):
        """Advances by one time step.

        Args:
            projected: Tensor `(batch, 4 * num_units)`, one time step of `project`.
            states: List `[h, c]` of tensors `(batch, num_units)`.

        Returns:
            The output `(batch, num_units)` and the list of new states.
        """
        hidden, memory = states
        recurrent = self.multiply(hidden, self.recurrent_kernel)
        if self.layer_normalization:
            recurrent = normalize(recurrent, self.widen(self.recurrent_gain))
            projected = normalize(projected, self.widen(self.input_gain)) + self.widen(self.bias)
        *gates, candidate = ops.split(projected + recurrent, 4, axis=-1)
        input_gate, forget_gate, output_gate = map(ops.sigmoid, gates)
        memory = forget_gate * memory + input_gate * ops.tanh(candidate)
        shown = memory
        if self.layer_normalization:
            shown = normalize(memory, self.widen(self.memory_gain)) + self.widen(self.memory_bias)
        output = output_gate * ops.tanh(shown)
        return output, [output, memory]

    def call(self, inputs, states):
        return self.step(self.project(inputs), self.widen(states))

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "layer_normalization": self.layer_normalization,
        }
