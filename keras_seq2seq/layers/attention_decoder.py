"""A recurrent decoder that attends to the encoded source at every step."""

import keras
from keras import ops

from keras_seq2seq.layers.attention import BahdanauAttention, DotAttention
from keras_seq2seq.layers.decoder import Decoder
from keras_seq2seq.layers.layer import check_size, swap_batch_and_time

ATTENTIONS = {"bahdanau": BahdanauAttention, "dot": DotAttention}


@keras.saving.register_keras_serializable("keras_seq2seq")
class AttentionDecoder(Decoder):
    """Decodes with attention, whose context is fed into the next step ("input feeding").

    At each target position `t`, with the embedded token before it `y` and the context `c`:

        s[t] = cells([y[t]; c[t-1]], s[t-1])
        c[t] = attention(s[t], encoder_outputs)
        o[t] = tanh([s[t]; c[t]] W + b)

    Args:
        num_units: Integer, the units of each layer and the size of the output.
        attention_units: Integer, the size that queries and keys are projected to. Defaults to
            `num_units`.
        attention_type: String, `"bahdanau"` or `"dot"`.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the number of layers.
        input_dropout: Float, the rate at which each layer's inputs are dropped.
        output_dropout: Float, the rate at which each layer's outputs are dropped; of the highest
            layer those are `o`. It attends, and the context is fed back, undropped.
        residual_connections: Boolean, whether each layer above the first adds its input to its
            output.
        variational_dropout: Boolean, whether the same is dropped at all time steps.
        layer_normalization: Boolean, whether to normalise within the cells.

    Call arguments:
        inputs: Tensor `(batch, target_length, dim)`, the embedded target, shifted to the right.
        initial_state: For each layer a list of tensors `(batch, num_units)`, `[h]` or `[h, c]`.
        encoder_outputs: Tensor `(batch, source_length, encoder_dim)`.
        mask: Boolean tensor `(batch, source_length)`, true for real source positions.
        training: Boolean, whether to apply dropout.
        return_attention_scores: Boolean, whether to return the attention weights too.

    Output:
        The outputs `o`, `(batch, target_length, num_units)`; with `return_attention_scores` also
        the attention weights `(batch, target_length, source_length)`.

    Example:
        >>> decoder = AttentionDecoder(64, attention_type="dot")
        >>> outputs = decoder(embedded, initial_state, encoder_outputs, mask=source_ids != 0)

    Reference:
        - Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473
        - Luong et al., 2015, https://arxiv.org/abs/1508.04025, section 3.3 and equation 5
    """

    def __init__(self, num_units, attention_units=None, attention_type="bahdanau", **kwargs):
        super().__init__(num_units, **kwargs)
        if attention_type not in ATTENTIONS:
            raise ValueError(
                f"`attention_type` must be one of {', '.join(ATTENTIONS)}. "
                f"Received: attention_type={attention_type!r}"
            )
        self.attention_units = num_units if attention_units is None else attention_units
        check_size("attention_units", self.attention_units)
        self.attention_type = attention_type
        self.attention = ATTENTIONS[attention_type](
            self.attention_units, dtype=self.dtype_policy, name="attention"
        )

    def build(
        self, inputs_shape, initial_state_shape=None, encoder_outputs_shape=None, mask_shape=None
    ):
        units, context_dim = self.num_units, encoder_outputs_shape[-1]
        self.cells.build(inputs_shape)
        self.attention.build((None, units), encoder_outputs_shape)
        self.context_kernel = self.add_weight(
            shape=(context_dim, self.cells.projection_size), name="context_kernel"
        )
        self.output_kernel = self.add_weight(
            shape=(units + context_dim, units), name="output_kernel"
        )
        self.output_bias = self.add_weight(shape=(units,), initializer="zeros", name="output_bias")
        self.built = True

    def call(
        self,
        inputs,
        initial_state,
        encoder_outputs,
        mask,
        training=False,
        return_attention_scores=False,
    ):
        keep = ("hidden", "context")
        keep += ("attention_scores",) if return_attention_scores else ()
        outputs, states = self._run(inputs, initial_state, encoder_outputs, mask, training, keep)
        if return_attention_scores:
            return outputs, swap_batch_and_time(states["attention_scores"])
        return outputs

    def compute_output_spec(
        self,
        inputs,
        initial_state,
        encoder_outputs,
        mask,
        training=False,
        return_attention_scores=False,
    ):
        outputs = super().compute_output_spec(inputs, initial_state)
        if return_attention_scores:
            shape = (*inputs.shape[:2], encoder_outputs.shape[1])
            return outputs, keras.KerasTensor(shape, dtype=self.output_dtype)
        return outputs

    def project_memory(self, encoder_outputs, mask):
        """Computes once a source what every step needs: a dictionary of tensors `(batch, ...)`."""
        return self.attention.project_memory(encoder_outputs, mask)

    def initial_states(self, initial_state, memory):
        """Returns the states before the first step: the cells', and an empty context."""
        initial_state = self.to_output_dtype(initial_state)
        return {
            "cells": initial_state,
            "hidden": ops.zeros_like(initial_state[-1][0]),
            "context": ops.zeros_like(memory["values"][:, 0], dtype=self.output_dtype),
            "attention_scores": ops.zeros_like(memory["score_bias"]),
        }

    def _advance(self, projected, states, memory, noise=None):
        projected = projected + self.matmul(states["context"], self.context_kernel)
        hidden, cell_states = self.cells.step(projected, states["cells"], noise)
        context, attention_scores = self.attention.attend(hidden, memory)
        return {
            "cells": cell_states,
            "hidden": hidden,
            "context": context,
            "attention_scores": attention_scores,
        }

    def _read_out(self, states):
        features = ops.concatenate([states["hidden"], states["context"]], axis=-1)
        return ops.tanh(self.dense(features, self.output_kernel, self.output_bias))

    def get_config(self):
        return {
            **super().get_config(),
            "attention_units": self.attention_units,
            "attention_type": self.attention_type,
        }
