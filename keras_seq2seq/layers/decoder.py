"""The base class of the decoders, and the decoder without attention."""

import keras
from keras import ops

from keras_seq2seq.backend import scan
from keras_seq2seq.layers.cells import StackedCells
from keras_seq2seq.layers.layer import implicit_mask, swap_batch_and_time
from keras_seq2seq.layers.recurrent_layer import RecurrentStack


class Decoder(RecurrentStack):
    """Base class of the decoders: a stack of cells that reads a target and returns its features.

    Training and decoding share one recurrence, `_advance`: `_run` scans it over a whole target
    that was projected before the loop, and `step` takes it once per token. A subclass defines the
    recurrence, in `project_memory`, `initial_states`, `_advance` and `_read_out`.
    """

    def _make_layers(self):
        self.cells = StackedCells(
            [self._make_cell(f"cell_{index}") for index in range(self.num_layers)],
            # A vector that passes between two layers is the output of one and the input of one.
            dropout=1.0 - (1.0 - self.input_dropout) * (1.0 - self.output_dropout),
            residual_connections=self.residual_connections,
            variational_dropout=self.variational_dropout,
            dtype=self.dtype_policy,
            name="cells",
        )

    @property
    def state_sizes(self):
        """The sizes of the states that `initial_state` must have: a list of tuples, by layer."""
        return self.cells.state_sizes

    def project_memory(self, encoder_outputs, mask=None):
        """Computes once per source what every step needs.

        Args:
            encoder_outputs: Tensor `(batch, source_length, encoder_dim)`.
            mask: Boolean tensor `(batch, source_length)`, true for real source positions.

        Returns:
            Nested structure of tensors `(batch, ...)`.
        """
        raise NotImplementedError

    def initial_states(self, initial_state, memory):
        """Returns the states before the first step: a dictionary of nested tensors `(batch, ...)`.

        Args:
            initial_state: A list of tensors `(batch, size)` for each layer.
            memory: What `project_memory` returned.

        Raises:
            ValueError: If the sizes of `initial_state` do not match `state_sizes`.
        """
        sizes = keras.tree.map_structure(lambda tensor: tensor.shape[-1], initial_state)
        expected = keras.tree.lists_to_tuples(self.state_sizes)
        if keras.tree.lists_to_tuples(sizes) != expected:
            raise ValueError(
                "The initial state must be, for each layer, a list of tensors of the sizes "
                f"{self.state_sizes}. Received: sizes {sizes}"
            )
        initial_state = [self.to_output_dtype(list(layer)) for layer in initial_state]
        return {"cells": initial_state, "hidden": ops.zeros_like(initial_state[-1][0])}

    def project_values(self, memory, states):
        """Returns a memory and states that make steps with only a few rows faster.

        Products with the memory are computed here, once per source, instead of at each step. In
        training, and with many rows, this takes longer.

        Args:
            memory: What `project_memory` returned.
            states: What `initial_states` returned.
        """
        return memory, states

    def _advance(self, projected, states, memory, dropout_masks=None):
        """Returns the states after one more position."""
        raise NotImplementedError

    def _read_out(self, states):
        """Returns the output `(..., num_units)` for states of one position or of all."""
        raise NotImplementedError

    def _run(self, inputs, initial_state, memory, training, keep):
        """Reads a whole target.

        Args:
            inputs: Tensor `(batch, time, dim)`.
            initial_state: A list of tensors `(batch, size)` for each layer.
            memory: What `project_memory` returned.
            training: Boolean, whether to apply dropout.
            keep: Names of the states to return, those that `_read_out` reads among them.

        Returns:
            The outputs `(batch, time, num_units)` and a dictionary of the kept states after each
            step, `(time, batch, ...)`.
        """
        states = self.initial_states(initial_state, memory)
        inputs = swap_batch_and_time(self.to_output_dtype(inputs))
        sequence = [self.project(self.drop_inputs(inputs, training=training))]
        if training and self.cells.dropout > 0 and self.num_layers > 1:
            sequence.append(self.cells.draw_dropout_masks(sequence[0]))

        def step(inputs, states, memory):
            projected, *dropout_masks = inputs
            return self._advance(projected, states, memory, *dropout_masks)

        def kept(states):
            return {name: states[name] for name in keep}

        _, all_states = scan(step, states, sequence, kept, memory, self.weights)
        outputs = self.drop_outputs(self._read_out(all_states), training=training)
        return swap_batch_and_time(outputs), all_states

    def project(self, inputs):
        """Returns what `step` needs of embedded tokens `(..., dim)`: `(..., projection_size)`."""
        return self.cells.project(inputs)

    def step(self, projected, states, memory):
        """Advances by one target position, without dropout.

        Projected inputs and states may have an additional axis for the hypotheses of each source,
        `(batch, n, ...)`; outputs, weights and new states then have it too.

        Args:
            projected: Tensor `(batch, projection_size)`, from `project`, of the previous token.
            states: The states, from `initial_states` or from the step before.
            memory: What `project_memory` returned.

        Returns:
            The output `(batch, num_units)`, the attention weights `(batch, source_length)` or
            `None`, and the new states.
        """
        states = self._advance(projected, states, memory)
        return self._read_out(states), states.get("attention_scores"), states

    def compute_output_spec(
        self, inputs, initial_state, encoder_outputs=None, mask=None, training=False
    ):
        # Static, since Keras would trace the loop.
        shape = (*inputs.shape[:2], self.num_units)
        return keras.KerasTensor(shape, dtype=self.output_dtype)

    def compute_mask(self, inputs, previous_mask):
        # The argument `mask`, which Keras passes here, is that of the source.
        return implicit_mask(inputs)


@keras.saving.register_keras_serializable("keras_seq2seq")
class BasicDecoder(Decoder):
    """Decodes from an initial state, without attention.

    Args:
        num_units: Integer, the units of each layer and the size of the output. Defaults to those
            of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template: `"LSTMCell"`,
            `"GRUCell"`, a subclass of `Cell`, or a Keras cell.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the dropout rate of each layer's inputs.
        output_dropout: Float, the dropout rate of each layer's outputs.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.

    Call arguments:
        inputs: Tensor `(batch, target_length, dim)`, the embedded target, shifted to the right.
        initial_state: A list of tensors `(batch, num_units)` for each layer, `[h]` or `[h, c]`.
        encoder_outputs, mask: Accepted so that decoders are interchangeable; not used.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs of the highest layer, `(batch, target_length, num_units)`.

    Raises:
        ValueError: If an argument is out of range, or the initial state has other sizes.

    Example:
        >>> decoder = BasicDecoder(64, cell="GRUCell")
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
        memory = self.project_memory(encoder_outputs)
        outputs, _ = self._run(inputs, initial_state, memory, training, keep=("hidden",))
        return outputs

    def project_memory(self, encoder_outputs, mask=None):
        """Returns an empty memory."""
        return {}

    def _advance(self, projected, states, memory, dropout_masks=None):
        hidden, cell_states = self.cells.step(projected, states["cells"], dropout_masks)
        return {"cells": cell_states, "hidden": hidden}

    def _read_out(self, states):
        return states["hidden"]
