"""Recurrent encoders, bidirectional and unidirectional."""

import keras
from keras import ops

from keras_seq2seq.layers.layer import check_mask, resolve_mask, swap_batch_and_time
from keras_seq2seq.layers.recurrent_layer import RecurrentLayer, RecurrentStack


class Encoder(RecurrentStack):
    """Base class of the recurrent encoders: a stack of recurrent layers over an embedded source.

    An encoder can be run in two steps: `project` computes what depends on each position alone, and
    `read` the rest. A subclass defines the layers of the stack, in `_make_layers`, `_project`,
    `_run_layer` and `state_sizes`.

    Args:
        *args: See `RecurrentStack`.
        concat_inputs: Boolean, whether to append the inputs of each position to its output.
        **kwargs: See `RecurrentStack`.
    """

    def __init__(self, *args, concat_inputs=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.concat_inputs = concat_inputs

    def call(self, inputs, mask=None, training=False):
        mask = resolve_mask(mask, inputs)
        inputs = swap_batch_and_time(self.to_output_dtype(inputs))
        projected = self.project(self.drop_inputs(inputs, training=training))
        return self._run(projected, mask, training)

    def project(self, inputs):
        """Returns what `read` needs of inputs `(..., dim)`: nested tensors `(..., size)`."""
        projected = self._project(0, inputs)
        return [projected, inputs] if self.concat_inputs else projected

    def read(self, projected, mask):
        """Returns the output for projected inputs, without dropout.

        Args:
            projected: What `project` returned for inputs `(batch, time, dim)`.
            mask: Boolean tensor `(batch, time)`.
        """
        projected = keras.tree.map_structure(swap_batch_and_time, projected)
        return self._run(projected, mask, training=False)

    def _run(self, projected, mask, training):
        mask = swap_batch_and_time(mask)
        if self.concat_inputs:
            projected, inputs = projected
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
        if self.concat_inputs:
            outputs = ops.concatenate([outputs, inputs], axis=-1)
        return swap_batch_and_time(outputs), final_states

    def _project(self, index, inputs):
        """Returns what `_run_layer` needs of the inputs of a layer `(..., dim)`."""
        raise NotImplementedError

    def _run_layer(self, index, projected, mask):
        """Returns the outputs `(time, batch, units)` of a layer and its final state."""
        raise NotImplementedError

    def compute_output_spec(self, inputs, mask=None, training=False):
        # Static, since Keras would trace every layer's loop.
        if mask is not None:
            check_mask(mask, inputs)

        def symbol(*shape):
            return keras.KerasTensor(shape, dtype=self.output_dtype)

        batch, time, dim = inputs.shape
        size = self.state_sizes[-1][0] + (dim if self.concat_inputs else 0)
        final_states = [[symbol(batch, size) for size in sizes] for sizes in self.state_sizes]
        return symbol(batch, time, size), final_states

    def compute_mask(self, inputs, previous_mask):
        return previous_mask, [[None for _ in sizes] for sizes in self.state_sizes]

    def get_config(self):
        return {**super().get_config(), "concat_inputs": self.concat_inputs}


@keras.saving.register_keras_serializable("keras_seq2seq")
class BidirectionalEncoder(Encoder):
    """Encodes a sequence of vectors with recurrent layers that read it in both directions.

    Each layer reads the concatenated outputs of the layer below, so that every layer above the
    first sees the whole sequence from both sides.

    Args:
        num_units: Integer, the units of each direction of each layer. Defaults to those of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template: `"LSTMCell"`,
            `"GRUCell"`, a subclass of `Cell`, or a Keras cell.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the dropout rate of each layer's inputs.
        output_dropout: Float, the dropout rate of each layer's outputs.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
        concat_inputs: Boolean, whether to append the inputs of each position to its output. A
            decoder that attends to the outputs then also sees the embeddings of the tokens that it
            attends to, which helps most with little training text.

    Call arguments:
        inputs: Tensor `(batch, time, dim)`: embeddings, or any other features.
        mask: Boolean tensor `(batch, time)`, true for real positions; padding is on the right.
            Defaults to the implicit mask of the inputs, or else to all positions.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs `(batch, time, 2 * num_units)`, forward then backward, or `(batch, time,
        2 * num_units + dim)` with `concat_inputs`, and the final state:
        for each layer a list of tensors `(batch, 2 * num_units)`, `[h]` for a GRU, `[h, c]` for
        an LSTM. The state of the forward direction is the one after the last real position, that
        of the backward direction the one after the first position.

    Raises:
        ValueError: If an argument is out of range, or the mask does not match the shape of the
            inputs.

    Example:
        >>> encoder = BidirectionalEncoder(64, cell="GRUCell")
        >>> outputs, state = encoder(embedded, mask=ids != 0)

    Reference:
        - Bahdanau et al., 2015, "Neural Machine Translation by Jointly Learning to Align and
          Translate", https://arxiv.org/abs/1409.0473, section 3.2
        - Kuang et al., 2018, "Attention Focusing for Neural Machine Translation by Bridging Source
          and Target Embeddings", https://arxiv.org/abs/1711.05380 (`concat_inputs`)
    """

    def _make_layers(self):
        # Two flat lists: Keras before 3.13 does not save layers in nested lists.
        self.forward_layers = self._make_direction("forward", go_backwards=False)
        self.backward_layers = self._make_direction("backward", go_backwards=True)

    def _make_direction(self, name, go_backwards):
        return [
            RecurrentLayer(
                cell=self._make_cell("cell"),
                go_backwards=go_backwards,
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
        num_units: Integer, the units of each layer. Defaults to those of `cell`.
        cell: The name or config of a cell, or a cell that serves as a template: `"LSTMCell"`,
            `"GRUCell"`, a subclass of `Cell`, or a Keras cell.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the dropout rate of each layer's inputs.
        output_dropout: Float, the dropout rate of each layer's outputs.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
        concat_inputs: Boolean, whether to append the inputs of each position to its output. A
            decoder that attends to the outputs then also sees the embeddings of the tokens that it
            attends to, which helps most with little training text.

    Call arguments:
        inputs: Tensor `(batch, time, dim)`: embeddings, or any other features.
        mask: Boolean tensor `(batch, time)`, true for real positions; padding is on the right.
            Defaults to the implicit mask of the inputs, or else to all positions.
        training: Boolean, whether to apply dropout.

    Output:
        The outputs `(batch, time, num_units)`, or `(batch, time, num_units + dim)` with
        `concat_inputs`, and the state after the last real position: for each layer a list of
        tensors `(batch, num_units)`, `[h]` for a GRU, `[h, c]` for an LSTM.

    Raises:
        ValueError: If an argument is out of range, or the mask does not match the shape of the
            inputs.

    Example:
        >>> encoder = UnidirectionalEncoder(64, cell="GRUCell", num_layers=2)
        >>> outputs, state = encoder(embedded, mask=ids != 0)

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    def _make_layers(self):
        self.layers = [
            RecurrentLayer(
                cell=self._make_cell("cell"), dtype=self.dtype_policy, name=f"layer_{index}"
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


ENCODERS = {
    "BidirectionalEncoder": BidirectionalEncoder,
    "UnidirectionalEncoder": UnidirectionalEncoder,
}
