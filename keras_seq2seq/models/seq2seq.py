"""What the encoder-decoder models share."""

import keras
from keras import ops

from keras_seq2seq.backend import join_logits, lookup_or_compute, scan, split_into_micro_batches
from keras_seq2seq.layers.embedding import ScaledEmbedding, WordDropout
from keras_seq2seq.layers.layer import check_size, swap_batch_and_time
from keras_seq2seq.layers.logits import Logits, TiedLogits
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models.metrics import Padding, Perplexity
from keras_seq2seq.models.scheduled_sampling import steps_taken
from keras_seq2seq.special_tokens import PADDING_ID


class Seq2Seq(keras.Model):
    """An encoder, a bridge and a decoder between two embeddings and an output layer.

    A functional model of `{"source_ids", "target_ids"}`, both integers `(batch, time)` padded
    with 0 on the right, giving logits `(batch, target_length, target_vocabulary_size)`. For
    decoding, `encode` and `decode_step` run the same layers one token at a time.

    Reports perplexity, weighted by tokens, and the shares of padding, whenever it is fitted or
    evaluated.

    Args:
        source_vocabulary_size: Integer, the number of source ids, special ids included.
        target_vocabulary_size: Integer, the number of target ids, special ids included.
        embedding_dim: Integer, the size of the embeddings.
        encoder: Layer `(embedded, mask) -> (outputs, state)`, with the same in two steps, `project`
            and `read`, such as `BidirectionalEncoder`.
        bridge: Layer `encoder_state -> initial_state`.
        decoder: Layer with `call`, `project_memory`, `initial_states` and `step`, such as
            `AttentionDecoder`.
        share_embeddings: Boolean, whether source and target use one embedding. The two
            vocabularies must then be one.
        tie_output: Boolean, whether the output layer scores tokens with the table of the target
            embedding, see `TiedLogits`.
        word_dropout: Float, the rate at which tokens of both sides are replaced by the unknown
            one in training, see `WordDropout`.
        dtype: The dtype or dtype policy of the embeddings and the output layer.

    Attributes:
        teacher_forcing: `None`, or a function of the training steps taken, such as
            `TeacherForcing`, that gives the probability with which the decoder reads the right
            token in training; else it reads what it found likeliest itself ("scheduled
            sampling"). The target is then decoded step by step, logits included, before each
            ordinary training step, which makes it slower.
    """

    def __init__(
        self,
        source_vocabulary_size,
        target_vocabulary_size,
        embedding_dim,
        encoder,
        bridge,
        decoder,
        share_embeddings=False,
        tie_output=False,
        word_dropout=0.0,
        dtype=None,
        **kwargs,
    ):
        check_size("source_vocabulary_size", source_vocabulary_size)
        check_size("target_vocabulary_size", target_vocabulary_size)
        check_size("embedding_dim", embedding_dim)
        if share_embeddings and source_vocabulary_size != target_vocabulary_size:
            raise ValueError(
                "`share_embeddings` needs one vocabulary for both sides. Received: "
                f"source_vocabulary_size={source_vocabulary_size}, "
                f"target_vocabulary_size={target_vocabulary_size}"
            )

        # === Layers ===
        source_embedding = ScaledEmbedding(
            source_vocabulary_size, embedding_dim, dtype=dtype, name="source_embedding"
        )
        target_embedding = (
            source_embedding
            if share_embeddings
            else ScaledEmbedding(
                target_vocabulary_size, embedding_dim, dtype=dtype, name="target_embedding"
            )
        )
        if tie_output:
            output_layer = TiedLogits(target_embedding, dtype=dtype, name="logits")
        else:
            output_layer = Logits(target_vocabulary_size, dtype=dtype, name="logits")

        # === Functional model ===
        source_ids = keras.Input(shape=(None,), dtype="int32", name="source_ids")
        target_ids = keras.Input(shape=(None,), dtype="int32", name="target_ids")
        mask = ops.not_equal(source_ids, PADDING_ID)
        seen_source_ids, seen_target_ids = source_ids, target_ids
        if word_dropout:
            seen_source_ids = WordDropout(word_dropout, name="source_word_dropout")(source_ids)
            seen_target_ids = WordDropout(word_dropout, name="target_word_dropout")(target_ids)
        encoder_outputs, encoder_state = encoder(source_embedding(seen_source_ids), mask=mask)
        outputs = decoder(
            target_embedding(seen_target_ids), bridge(encoder_state), encoder_outputs, mask=mask
        )
        super().__init__(
            inputs={"source_ids": source_ids, "target_ids": target_ids},
            outputs=output_layer(outputs),
            **kwargs,
        )

        # === Config ===
        self.source_vocabulary_size = source_vocabulary_size
        self.target_vocabulary_size = target_vocabulary_size
        self.embedding_dim = embedding_dim
        self.share_embeddings = share_embeddings
        self.tie_output = tie_output
        self.word_dropout = word_dropout
        self.source_embedding = source_embedding
        self.target_embedding = target_embedding
        self.encoder = encoder
        self.bridge = bridge
        self.decoder = decoder
        self.output_layer = output_layer
        self.perplexity = Perplexity()
        self.padding = Padding()
        # Of training rather than of the model: for `TrackGradientNorm`, and not in `fit`'s logs.
        self.gradient_norm = keras.metrics.Mean(name="gradient_norm")
        self.teacher_forcing = None
        self._teacher_seeds = keras.random.SeedGenerator()

    @property
    def has_attention(self):
        """Whether `decode_step` gives attention weights."""
        return hasattr(self.decoder, "attention")

    def encode(self, source_ids):
        """Reads the source, once, for `decode_step`.

        Args:
            source_ids: Integer tensor `(batch, source_length)`.

        Returns:
            The memory and the decoder's states before the first token: nested structures of
            tensors whose first axis is the batch.
        """
        mask = ops.not_equal(source_ids, PADDING_ID)
        projected = lookup_or_compute(self._project_source, source_ids, self.source_vocabulary_size)
        outputs, state = self.encoder.read(projected, mask)
        memory = self.decoder.project_memory(outputs, mask)
        return memory, self.decoder.initial_states(self.bridge(state), memory)

    def decode_step(self, ids, states, memory):
        """Predicts the token after `ids`.

        Args:
            ids: Integer tensor `(batch,)`, the tokens that came before.
            states: The states from `encode` or from the step before.
            memory: The memory from `encode`.

        Returns:
            The logits `(batch, target_vocabulary_size)`, the attention weights
            `(batch, source_length)` or `None`, and the new states.

        Several hypotheses of each source advance together if ids and states have an axis for
        them, `(batch, n, ...)`, which logits, weights and new states then have too. With fixed
        weights, logits may have some columns more, of minus infinity.
        """
        projected = lookup_or_compute(self._project_target, ids, self.target_vocabulary_size)
        output, attention_scores, states = self.decoder.step(projected, states, memory)
        return self.output_layer(output), attention_scores, states

    def _project_source(self, ids):
        return self.encoder.project(self.source_embedding(ids))

    def _project_target(self, ids):
        return self.decoder.project(self.target_embedding(ids))

    def call(self, inputs, training=None, mask=None):
        if training and self.teacher_forcing is not None:
            inputs = {**inputs, "target_ids": self._sample_decoder_inputs(**inputs)}
        call = super().call
        if not training:
            return call(inputs, training=training, mask=mask)
        # Masks are made of the ids, by the model itself.
        return join_logits(
            [call(part, training=training) for part in split_into_micro_batches(inputs)]
        )

    def _sample_decoder_inputs(self, source_ids, target_ids):
        """Returns the target with some tokens replaced by what the model found likeliest there.

        It has read its replacements of the tokens before. No gradient flows through them.
        """
        step = steps_taken(self.optimizer) if self.compiled else 0
        memory, states = self.encode(source_ids)
        gold_ids = swap_batch_and_time(target_ids)
        draws = keras.random.uniform(ops.shape(gold_ids), seed=self._teacher_seeds)
        use_gold = draws < self.teacher_forcing(step)
        use_gold = ops.logical_or(use_gold, ops.equal(gold_ids, PADDING_ID))

        def advance(inputs, states, memory):
            gold_ids, use_gold = inputs
            read_ids = ops.where(use_gold, gold_ids, states["guesses"])
            logits, _, model_states = self.decode_step(read_ids, states["model"], memory)
            guesses = ops.cast(ops.argmax(logits, axis=-1), gold_ids.dtype)
            return {"model": model_states, "guesses": guesses, "read": read_ids}

        # The first token is the start, which nobody guesses.
        states = {"model": states, "guesses": gold_ids[0], "read": gold_ids[0]}
        _, read_ids = scan(
            advance,
            states,
            [gold_ids, use_gold],
            keep=lambda states: states["read"],
            constants=memory,
            weights=self.weights,
        )
        return ops.stop_gradient(swap_batch_and_time(read_ids))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if isinstance(self.loss, MaskedCrossEntropy) and sample_weight is None:
            # What `super` would do, but going through the logits once for loss and perplexity.
            loss, cross_entropy = self.loss.with_cross_entropy(y, y_pred)
            loss = sum(self.losses, loss)
        else:
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
            cross_entropy = MaskedCrossEntropy()(y, y_pred)
        self.perplexity.update_state(cross_entropy, ops.count_nonzero(y))
        self.padding.update_state(x["source_ids"], y)
        return loss

    def get_metrics_result(self):
        results = super().get_metrics_result()
        results.pop(self.gradient_norm.name, None)
        return results

    def get_config(self):
        return {
            "name": self.name,
            "source_vocabulary_size": self.source_vocabulary_size,
            "target_vocabulary_size": self.target_vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "share_embeddings": self.share_embeddings,
            "tie_output": self.tie_output,
            "word_dropout": self.word_dropout,
            "dtype": keras.dtype_policies.serialize(self.output_layer.dtype_policy),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "bridge": keras.saving.serialize_keras_object(self.bridge),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("encoder", "bridge", "decoder"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)
