"""The base class of the recurrent decoders, and the decoder without attention."""

import keras
from keras import ops

from keras_seq2seq.backend import scan
from keras_seq2seq.layers.layer import Layer, check_rate, swap_batch_and_time
from keras_seq2seq.layers.recurrent_layer import StackedCells, make_dropout


class Decoder(Layer):
    """A stack of cells that reads a target and writes one vector for each of its positions.

    Training and decoding share one recurrence, `_advance`: `_run` scans it over a whole target
    whose projection was computed beforehand, `step` takes it once a token. A subclass says what
    the recurrence is, in `project_memory`, `initial_states`, `_advance` and `_read_out`.

    Args:
        num_units: Integer, the units of each layer and the size of the output.
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
        self.cells = StackedCells(
            cell_type,
            num_units,
            num_layers,
            # A vector that passes between two layers is the output of one and the input of one.
            dropout=1.0 - (1.0 - input_dropout) * (1.0 - output_dropout),
            residual_connections=residual_connections,
            variational_dropout=variational_dropout,
            layer_normalization=layer_normalization,
            dtype=self.dtype_policy,
            name="cells",
        )
        self.drop_inputs, self.drop_outputs = (
            make_dropout(rate, variational_dropout, dtype=self.output_dtype)
            for rate in (input_dropout, output_dropout)
        )
        self.supports_masking = True
        # On TensorFlow the loop over time has no fixed length, which XLA needs.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    @property
    def state_sizes(self):
        """The sizes of the states that `initial_state` must have: a list of tuples, by layer."""
        return self.cells.state_sizes

    def _run(self, inputs, initial_state, encoder_outputs, mask, training, keep):
        """Reads a whole target.

        Returns:
            The outputs `(batch, time, num_units)` and a dictionary of the states named in `keep`,
            those that `_read_out` reads among them, after each step: `(time, batch, ...)`.
        """
        memory = self.project_memory(encoder_outputs, mask)
        states = self.initial_states(initial_state, memory)
        inputs = self.drop_inputs(
            swap_batch_and_time(self.to_output_dtype(inputs)), training=training
        )
        sequence = [self.project(inputs)]
        if training and self.cells.dropout > 0 and self.num_layers > 1:
            sequence.append(self.cells.draw_noise(sequence[0]))

        def step(inputs, states, memory):
            projected, *noise = inputs
            return self._advance(projected, states, memory, *noise)

        def kept(states):
            return {name: states[name] for name in keep}

        _, all_states = scan(step, states, sequence, kept, memory, self.weights)
        outputs = self.drop_outputs(self._read_out(all_states), training=training)
        return swap_batch_and_time(outputs), all_states

    def project(self, inputs):
        """Returns what `step` needs of embedded tokens `(..., dim)`, and computes from them alone.

        Returns:
            Tensor `(..., projection_size)`.
        """
        return self.cells.project(inputs)

    def step(self, projected, states, memory):
        """Advances by one target position, without dropout.

        Args:
            projected: Tensor `(batch, projection_size)`, from `project`, of the token that came
                before.
            states: The states, from `initial_states` or from the step before.
            memory: What `project_memory` returned.

        Returns:
            The output `(batch, num_units)`, the attention weights `(batch, source_length)` or
            `None`, and the new states.

        Several hypotheses of each source advance together if projected inputs and states have an
        axis for them, `(batch, n, ...)`, which outputs, weights and new states then have too.
        """
        states = self._advance(projected, states, memory)
        return self._read_out(states), states.get("attention_scores"), states

    def compute_output_spec(
        self, inputs, initial_state, encoder_outputs=None, mask=None, training=False
    ):
        # Keras would find it by tracing the loop.
        shape = (*inputs.shape[:2], self.num_units)
        return keras.KerasTensor(shape, dtype=self.output_dtype)

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
class BasicDecoder(Decoder):
    """Decodes from an initial state, without attention.

    Args:
        num_units: Integer, the units of each layer and the size of the output.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the rate at which each layer's inputs are dropped.
        output_dropout: Float, the rate at which each layer's outputs are dropped.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.

    Call arguments:
        inputs: Tensor `(batch, target_length, dim)`, the embedded target, shifted to the right.
        initial_state: For each layer a list of tensors `(batch, num_units)`, `[h]` or `[h, c]`.
        encoder_outputs, mask: Accepted so that decoders can take each other's place; not used.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs of the highest layer, `(batch, target_length, num_units)`.

    Example:
        >>> decoder = BasicDecoder(64, cell_type="GRUCell")
        >>> outputs = decoder(embedded, initial_state)

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    def build(
        self, inputs_shape, initial_state_shape=None, encoder_outputs_shape=None, mask_shape=None
    ):
        self.cells.build(inputs_shape)
        self.built = True

    def call(self, inputs, initial_state, encoder_outputs=None, mask=None, training=False):
        outputs, _ = self._run(
            inputs, initial_state, encoder_outputs, mask, training, keep=("hidden",)
        )
        return outputs

    def project_memory(self, encoder_outputs, mask):
        """Returns an empty memory."""
        return {}

    def initial_states(self, initial_state, memory):
        """Returns the states before the first step."""
        initial_state = self.to_output_dtype(initial_state)
        return {"cells": initial_state, "hidden": ops.zeros_like(initial_state[-1][0])}

    def _advance(self, projected, states, memory, noise=None):
        hidden, cell_states = self.cells.step(projected, states["cells"], noise)
        return {"cells": cell_states, "hidden": hidden}

    def _read_out(self, states):
        return states["hidden"]
