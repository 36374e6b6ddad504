"""What the recurrent encoders share."""

import keras

from keras_seq2seq.layers.arguments import check_rate, check_size
from keras_seq2seq.layers.dropout import make_dropout
from keras_seq2seq.layers.layer import Layer
from keras_seq2seq.layers.time_axis import swap_batch_and_time


class Encoder(Layer):
    """A stack of recurrent layers over an embedded source.

    It can be taken in two steps, of which `project` does what each position allows by itself, and
    `read` the rest. A subclass says what the layers of the stack are, in `_make_layers`,
    `_project`, `_run_layer` and `state_sizes`.

    Args:
        num_units: Integer, the units of each direction of each layer.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the rate at which each layer's inputs are dropped.
        output_dropout: Float, the rate at which each layer's outputs are dropped.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.
    """

    def __init__(
        self,
        num_units,
        cell_type="LSTMCell",
        num_layers=1,
        input_dropout=0.0,
        output_dropout=0.0,
        residual_connections=False,
        variational_dropout=False,
        layer_normalization=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("num_layers", num_layers)
        check_rate("input_dropout", input_dropout)
        check_rate("output_dropout", output_dropout)
        self.num_units = num_units
        self.cell_type = cell_type
        self.num_layers = num_layers
        self.input_dropout = input_dropout
        self.output_dropout = output_dropout
        self.residual_connections = residual_connections
        self.variational_dropout = variational_dropout
        self.layer_normalization = layer_normalization
        self._make_layers()
        self.drop_inputs, self.drop_outputs = (
            make_dropout(rate, variational_dropout, dtype=self.wide_dtype)
            for rate in (input_dropout, output_dropout)
        )
        self.supports_masking = True
        # Without it Keras would compile a loop that XLA refuses on TensorFlow.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def call(self, inputs, mask, training=False):
        inputs = swap_batch_and_time(self.widen(inputs))
        projected = self.project(self.drop_inputs(inputs, training=training))
        return self._run(projected, mask, training)

    def project(self, inputs):
        """Returns what `read` needs of inputs `(..., dim)`, and computes from them alone.

        Returns:
            Nested structure of tensors `(..., size)`.
        """
        return self._project(0, inputs)

    def read(self, projected, mask):
        """Gives the output for inputs that have been projected, without dropout.

        Args:
            projected: What `project` returned for inputs `(batch, time, dim)`.
            mask: Boolean tensor `(batch, time)`.
        """
        projected = keras.tree.map_structure(swap_batch_and_time, projected)
        return self._run(projected, mask, training=False)

    def _run(self, projected, mask, training):
        mask = swap_batch_and_time(mask)
        outputs, state = self._run_layer(0, projected, mask)
        outputs = self.drop_outputs(outputs, training=training)
        final_states = [state]
        for index in range(1, self.num_layers):
            below = outputs
            projected = self._project(index, self.drop_inputs(below, training=training))
            outputs, state = self._run_layer(index, projected, mask)
            outputs = self.drop_outputs(outputs, training=training)
            if self.residual_connections:
                outputs = outputs + below
            final_states.append(state)
        return swap_batch_and_time(outputs), final_states

    def compute_output_spec(self, inputs, mask, training=False):
        # Keras would find it by tracing every layer's loop.
        def symbol(*shape):
            return keras.KerasTensor(shape, dtype=self.wide_dtype)

        batch, time, _ = inputs.shape
        final_states = [[symbol(batch, size) for size in sizes] for sizes in self.state_sizes]
        return symbol(batch, time, self.state_sizes[-1][0]), final_states

    def compute_mask(self, *args, **kwargs):
        return None  # Masks are passed explicitly.

    def get_config(self):
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "cell_type": self.cell_type,
            "num_layers": self.num_layers,
            "input_dropout": self.input_dropout,
            "output_dropout": self.output_dropout,
            "residual_connections": self.residual_connections,
            "variational_dropout": self.variational_dropout,
            "layer_normalization": self.layer_normalization,
        }
