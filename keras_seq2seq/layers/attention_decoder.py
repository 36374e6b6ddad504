"""The recurrent decoder with attention."""

import warnings

import keras
from keras import ops

from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers.attention import Attention, get_attention
from keras_seq2seq.layers.decoder import BasicDecoder, Decoder
from keras_seq2seq.layers.layer import resolve_mask, serialize_part, swap_batch_and_time


@keras.saving.register_keras_serializable("keras_seq2seq")
class AttentionDecoder(Decoder):
    """Decodes with attention, whose context is fed into the next step ("input feeding").

    At each target position `t`, with the embedding `y` of the previous token and the context `c`:

        s[t] = cells([y[t]; c[t-1]], s[t-1])
        c[t] = attention(s[t], encoder_outputs)
        o[t] = tanh([s[t]; c[t]] W + b)

    With `context_skip`, `c[t] U` is added to `o[t]`.

    Args:
        num_units: Integer, the units of each layer and the size of the output. Defaults to those
            of `cell`.
        attention_units: Integer, the size that queries and keys are projected to. Defaults to
            `num_units`, or to the size of an attention that is given as a config or a layer.
        attention: The attention layer: `"bahdanau"`, `"dot"`, a config, or an instance of a
            subclass of `Attention`.
        cell: The name or config of a cell, or a cell that serves as a template: `"LSTMCell"`,
            `"GRUCell"`, a subclass of `Cell`, or a Keras cell.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the dropout rate of each layer's inputs.
        output_dropout: Float, the dropout rate of each layer's outputs; for the top layer, of `o`.
            Attention uses the top layer's output without dropout.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same units are dropped at all time steps.
        context_skip: Boolean, whether to add a linear projection of the context to the output. If
            the encoder's outputs contain the embeddings (`concat_inputs`), a target token can then
            be predicted from the embedding of the source token that it translates.

    Call arguments:
        inputs: Tensor `(batch, target_length, dim)`, the embedded target, shifted to the right.
        initial_state: A list of tensors `(batch, num_units)` for each layer, `[h]` or `[h, c]`.
        encoder_outputs: Tensor `(batch, source_length, encoder_dim)`.
        mask: Boolean tensor `(batch, source_length)`, true for real source positions. Defaults to
            the implicit mask of the encoder's outputs, or else to all positions.
        training: Boolean, whether to apply dropout.
        return_attention_scores: Boolean, whether to return the attention weights too.

    Output:
        The outputs `o`, `(batch, target_length, num_units)`; with `return_attention_scores` also
        the attention weights `(batch, target_length, source_length)`.

    Raises:
        ValueError: If an argument is out of range, the initial state has other sizes, or the mask
            does not match the shape of the encoder's outputs.

    Example:
        >>> decoder = AttentionDecoder(64, attention="dot")
        >>> outputs = decoder(embedded, initial_state, encoder_outputs, mask=source_ids != 0)

    Reference:
        - Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473
        - Luong et al., 2015, https://arxiv.org/abs/1508.04025, section 3.3 and equation 5
        - Nguyen and Chiang, 2018, "Improving Lexical Choice in Neural Machine Translation",
          https://arxiv.org/abs/1710.01329, section 4 (`context_skip`)
    """

    def __init__(
        self,
        num_units=None,
        attention_units=None,
        attention="bahdanau",
        context_skip=False,
        **kwargs,
    ):
        if "attention_type" in kwargs:
            warnings.warn(
                "attention_type: deprecated; use `attention`", DeprecationWarning, stacklevel=2
            )
            attention = kwargs.pop("attention_type")
        super().__init__(num_units, **kwargs)
        if isinstance(attention, str) and attention_units is None:
            attention_units = self.num_units
        if attention_units is not None:
            attention_units = check_integer("attention_units", attention_units)
        self.attention = get_attention(
            attention, attention_units, dtype=self.dtype_policy, name="attention"
        )
        self.attention_units = getattr(self.attention, "num_units", None)
        self.context_skip = context_skip

    def build(
        self, inputs_shape, initial_state_shape=None, encoder_outputs_shape=None, mask_shape=None
    ):
        units, dtype = self.num_units, self.output_dtype
        self.cells.build(inputs_shape)
        query_shape, values_shape = (None, units), tuple(encoder_outputs_shape)
        if not self.attention.built:
            self.attention.build(query_shape, values_shape)
            self.attention.built = True
        context, _ = self.attention.compute_output_spec(
            keras.KerasTensor(query_shape, dtype),
            keras.KerasTensor(values_shape, dtype),
            keras.KerasTensor(values_shape[:2], "bool"),
        )
        self.context_dim = context.shape[-1]
        self.context_kernel = self.add_weight(
            shape=(self.context_dim, self.cells.projection_size), name="context_kernel"
        )
        self.output_kernel = self.add_weight(
            shape=(units + self.context_dim, units), name="output_kernel"
        )
        self.output_bias = self.add_weight(shape=(units,), initializer="zeros", name="output_bias")
        if self.context_skip:
            self.skip_kernel = self.add_weight(shape=(self.context_dim, units), name="skip_kernel")
        self.built = True

    def call(
        self,
        inputs,
        initial_state,
        encoder_outputs,
        mask=None,
        training=False,
        return_attention_scores=False,
    ):
        keep = ("hidden", "context")
        keep += ("attention_scores",) if return_attention_scores else ()
        memory = self.project_memory(encoder_outputs, mask)
        outputs, states = self._run(inputs, initial_state, memory, training, keep)
        if return_attention_scores:
            return outputs, swap_batch_and_time(states["attention_scores"])
        return outputs

    def compute_output_spec(
        self,
        inputs,
        initial_state,
        encoder_outputs,
        mask=None,
        training=False,
        return_attention_scores=False,
    ):
        outputs = super().compute_output_spec(inputs, initial_state)
        if return_attention_scores:
            shape = (*inputs.shape[:2], encoder_outputs.shape[1])
            return outputs, keras.KerasTensor(shape, dtype=self.output_dtype)
        return outputs

    def project_memory(self, encoder_outputs, mask=None):
        mask = resolve_mask(mask, encoder_outputs)
        memory = self.attention.project_memory(encoder_outputs, mask)
        is_default = type(self.attention).initial_weights is Attention.initial_weights
        if is_default and "mask" not in memory:
            raise ValueError(
                f"`{type(self.attention).__name__}.project_memory` must return a dictionary with "
                "an entry 'mask', or the class must implement `initial_weights`. Received: "
                f"{sorted(memory)}"
            )
        return memory

    def initial_states(self, initial_state, memory):
        states = super().initial_states(initial_state, memory)
        batch_size = ops.shape(states["hidden"])[0]
        return {
            **states,
            "context": ops.zeros((batch_size, self.context_dim), dtype=self.output_dtype),
            "attention_scores": self.attention.initial_weights(memory),
            "attention": self.attention.initial_state(memory),
        }

    def project_values(self, memory, states):
        # A context is a weighted mean of values, so the product of a context and a kernel is the
        # weighted mean of the products of the values.
        if not self.attention.averages_values:
            return memory, states
        kernels = [self.context_kernel, self.output_kernel[self.num_units :]]
        if self.context_skip:
            kernels.append(self.skip_kernel)
        values = self.matmul(memory["values"], ops.concatenate(kernels, axis=-1))
        states = {name: state for name, state in states.items() if name != "context"}
        states["projected_context"] = ops.zeros(
            (ops.shape(values)[0], values.shape[-1]), dtype=self.output_dtype
        )
        return {**memory, "values": self.to_compute_dtype(values)}, states

    def _advance(self, projected, states, memory, dropout_masks=None):
        context_name = "projected_context" if "projected_context" in states else "context"
        context = states[context_name]
        if context_name == "projected_context":
            projected = projected + context[..., : self.cells.projection_size]
        else:
            projected = projected + self.matmul(context, self.context_kernel)
        hidden, cell_states = self.cells.step(projected, states["cells"], dropout_masks)
        attend = self.attention.attend
        if len(hidden.shape) == 3 and not self.attention.takes_several_queries:
            attend = self._attend_one_by_one
        context, attention_scores, attention_state = attend(hidden, memory, states["attention"])
        return {
            "cells": cell_states,
            "hidden": hidden,
            context_name: context,
            "attention_scores": attention_scores,
            "attention": attention_state,
        }

    def _attend_one_by_one(self, queries, memory, state):
        """Folds the axis of hypotheses `(batch, n, ...)` into the batch, for any attention."""
        number = ops.shape(queries)[1]

        def fold(tensor):
            return ops.reshape(tensor, (-1, *ops.shape(tensor)[2:]))

        def unfold(tensor):
            return ops.reshape(tensor, (-1, number, *ops.shape(tensor)[1:]))

        def repeat(tensor):
            return ops.repeat(tensor, number, axis=0)

        map_structure = keras.tree.map_structure
        found = self.attention.attend(
            fold(queries), map_structure(repeat, memory), map_structure(fold, state)
        )
        return map_structure(unfold, found)

    def _read_out(self, states):
        units = self.num_units
        if "projected_context" in states:
            projected_context = states["projected_context"][..., self.cells.projection_size :]
            kernel = self.output_kernel[:units]
            features = self.dense(states["hidden"], kernel, self.output_bias)
            features = features + projected_context[..., :units]
            skipped = projected_context[..., units:]
        else:
            features = ops.concatenate([states["hidden"], states["context"]], axis=-1)
            features = self.dense(features, self.output_kernel, self.output_bias)
            skipped = (
                self.matmul(states["context"], self.skip_kernel) if self.context_skip else None
            )
        outputs = ops.tanh(features)
        return outputs + skipped if self.context_skip else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "attention": serialize_part(self.attention),
            "context_skip": self.context_skip,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if "attention_type" in config:  # as version 0.1 wrote it
            config["attention"] = config.pop("attention_type")
        return super().from_config(config)


DECODERS = {"AttentionDecoder": AttentionDecoder, "BasicDecoder": BasicDecoder}
