"""Recurrent encoders, bidirectional and unidirectional."""

import keras
from keras import ops

from keras_seq2seq.layers.layer import Layer, check_rate, check_size, swap_batch_and_time
from keras_seq2seq.layers.recurrent_layer import RecurrentLayer, make_dropout


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
            make_dropout(rate, variational_dropout, dtype=self.output_dtype)
            for rate in (input_dropout, output_dropout)
        )
        self.supports_masking = True
        # Without it Keras would compile a loop that XLA refuses on TensorFlow.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def call(self, inputs, mask, training=False):
        inputs = swap_batch_and_time(self.to_output_dtype(inputs))
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
            return keras.KerasTensor(shape, dtype=self.output_dtype)

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


@keras.saving.register_keras_serializable("keras_seq2seq")
class BidirectionalEncoder(Encoder):
    """Encodes a sequence of vectors with recurrent layers that read it in both directions.

    Each layer reads the concatenated outputs of the layer below it, so that every layer above
    the first sees the whole sequence from both sides.

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

    Call arguments:
        inputs: Tensor `(batch, time, dim)`: embeddings, or any other features.
        mask: Boolean tensor `(batch, time)`, true for real positions. Padding is on the right.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs `(batch, time, 2 * num_units)`, forward then backward, and the final state:
        for each layer a list of tensors `(batch, 2 * num_units)`, `[h]` for a GRU, `[h, c]` for
        an LSTM, the forward direction after the last real position, the backward direction
        after the first.

    Example:
        >>> encoder = BidirectionalEncoder(64, cell_type="GRUCell")
        >>> outputs, state = encoder(embedded, mask=ids != 0)

    Reference:
        - Bahdanau et al., 2015, "Neural Machine Translation by Jointly Learning to Align and
          Translate", https://arxiv.org/abs/1409.0473, section 3.2
    """

    def _make_layers(self):
        # Two flat lists: Keras before 3.13 silently leaves layers in nested lists out of files.
        self.forward_layers = self._make_direction("forward", go_backwards=False)
        self.backward_layers = self._make_direction("backward", go_backwards=True)

    def _make_direction(self, name, go_backwards):
        return [
            RecurrentLayer(
                self.cell_type,
                self.num_units,
                go_backwards=go_backwards,
                layer_normalization=self.layer_normalization,
                dtype=self.dtype_policy,
                name=f"{name}_{index}",
            )
            for index in range(self.num_layers)
        ]

    def build(self, inputs_shape, mask_shape=None):
        dim = inputs_shape[-1]
        for forward, backward in zip(self.forward_layers, self.backward_layers, strict=True):
            forward.build((None, None, dim))
            backward.build((None, None, dim))
            dim = 2 * self.num_units
        self.built = True

    @property
    def state_sizes(self):
        """The sizes of the final states: a list of tuples, by layer."""
        return [tuple(2 * size for size in layer.cell.state_sizes) for layer in self.forward_layers]

    def _project(self, index, inputs):
        return [
            layers[index].project(inputs) for layers in (self.forward_layers, self.backward_layers)
        ]

    def _run_layer(self, index, projected, mask):
        forward, backward = projected
        forward_outputs, forward_state = self.forward_layers[index].run(forward, mask)
        backward_outputs, backward_state = self.backward_layers[index].run(backward, mask)
        state = [
            ops.concatenate(pair, axis=-1)
            for pair in zip(forward_state, backward_state, strict=True)
        ]
        return ops.concatenate([forward_outputs, backward_outputs], axis=-1), state


@keras.saving.register_keras_serializable("keras_seq2seq")
class UnidirectionalEncoder(Encoder):
    """Encodes a sequence of vectors with a stack of recurrent layers read from left to right.

    Args:
        num_units: Integer, the units of each layer.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the rate at which each layer's inputs are dropped.
        output_dropout: Float, the rate at which each layer's outputs are dropped.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.

    Call arguments:
        inputs: Tensor `(batch, time, dim)`: embeddings, or any other features.
        mask: Boolean tensor `(batch, time)`, true for real positions. Padding is on the right.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs `(batch, time, num_units)`, and the state after the last real position: for
        each layer a list of tensors `(batch, num_units)`, `[h]` for a GRU, `[h, c]` for an LSTM.

    Example:
        >>> encoder = UnidirectionalEncoder(64, cell_type="GRUCell", num_layers=2)
        >>> outputs, state = encoder(embedded, mask=ids != 0)

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    def _make_layers(self):
        self.layers = [
            RecurrentLayer(
                self.cell_type,
                self.num_units,
                layer_normalization=self.layer_normalization,
                dtype=self.dtype_policy,
                name=f"layer_{index}",
            )
            for index in range(self.num_layers)
        ]

    def build(self, inputs_shape, mask_shape=None):
        dim = inputs_shape[-1]
        for layer in self.layers:
            layer.build((None, None, dim))
            dim = self.num_units
        self.built = True

    @property
    def state_sizes(self):
        """The sizes of the final states: a list of tuples, by layer."""
        return [layer.cell.state_sizes for layer in self.layers]

    def _project(self, index, inputs):
        return self.layers[index].project(inputs)

    def _run_layer(self, index, projected, mask):
        return self.layers[index].run(projected, mask)
