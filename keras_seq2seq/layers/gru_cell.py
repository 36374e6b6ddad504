"""The gated recurrent unit, split for scanning."""

import keras
from keras import ops

from keras_seq2seq.layers.arguments import check_size
from keras_seq2seq.layers.layer import Layer
from keras_seq2seq.layers.normalize import normalize
from keras_seq2seq.layers.orthogonal import Orthogonal


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
            return self.multiply(inputs, self.kernel)
        return self.affine(inputs, self.kernel, self.bias)

    def step(self, projected, states):
        """Advances by one time step.

        Args:
            projected: Tensor `(batch, 3 * num_units)`, one time step of `project`.
            states: List of one tensor `(batch, num_units)`.

        Returns:
            The output `(batch, num_units)` and the list of new states.
        """
        (hidden,) = states
        recurrent = self.multiply(hidden, self.recurrent_kernel)
        if self.layer_normalization:
            projected = normalize(projected, self.widen(self.input_gain)) + self.widen(self.bias)
            recurrent = normalize(recurrent, self.widen(self.recurrent_gain))
        input_update, input_reset, input_candidate = ops.split(projected, 3, axis=-1)
        recurrent_update, recurrent_reset, recurrent_candidate = ops.split(recurrent, 3, axis=-1)
        update = ops.sigmoid(input_update + recurrent_update)
        reset = ops.sigmoid(input_reset + recurrent_reset)
        recurrent_candidate = recurrent_candidate + self.widen(self.recurrent_bias)
        candidate = ops.tanh(input_candidate + reset * recurrent_candidate)
        output = candidate + update * (hidden - candidate)
        return output, [output]

    def call(self, inputs, states):
        return self.step(self.project(inputs), self.widen(states))

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "layer_normalization": self.layer_normalization,
        }
