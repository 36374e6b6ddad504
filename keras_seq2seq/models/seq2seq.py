"""The base class of the encoder-decoder models."""

import inspect
from numbers import Number

import keras
from keras import ops

from keras_seq2seq.backend import (
    join_logits,
    lookup_or_compute,
    scale_added_losses,
    split_into_micro_batches,
)
from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers import Logits, ScaledEmbedding, TiedLogits, WordDropout
from keras_seq2seq.layers.bridge import run_bridge
from keras_seq2seq.losses import is_part_of_keras
from keras_seq2seq.models.inputs import (
    ChecksInputs,
    Generation,
    as_features,
    check_right_padding,
)
from keras_seq2seq.models.scheduled_sampling import sample_decoder_inputs
from keras_seq2seq.models.training import TrainableModel, steps_taken
from keras_seq2seq.special_tokens import PADDING_ID

# The layers of a model.
_PARTS = "source_embedding", "target_embedding", "encoder", "bridge", "decoder", "output_layer"

# The attributes that are set after the model is created, and saved with it.
_TRAINING_OPTIONS = "teacher_forcing", "minimum_risk", "r_drop"


@keras.saving.register_keras_serializable("keras_seq2seq")
class Seq2Seq(ChecksInputs, TrainableModel):
    """An encoder, a bridge and a decoder between two embeddings and an output layer.

    A functional model that maps `{"source_ids", "target_ids"}`, integers `(batch, time)` padded
    with 0 on the right, to logits `(batch, target_length, target_vocabulary_size)`. For decoding,
    `encode` and `decode_step` run the same layers one token at a time.

    `fit` and `evaluate` report perplexity, weighted by tokens, and the shares of padding. Inputs
    may also be a list `[source_ids, target_ids]`.

    Args:
        source_vocabulary_size: Integer, the number of source ids, special ids included.
        target_vocabulary_size: Integer, the number of target ids, special ids included.
        embedding_dim: Integer, the size of the embeddings.
        encoder: Layer or model that takes embedded tokens `(batch, time, dim)` and returns outputs
            `(batch, time, size)` and a state: `(outputs, state)` with any nested structure of
            tensors `(batch, size)`, or a flat list `[outputs, *states]`, like Keras's recurrent
            layers with `return_sequences=True, return_state=True`. It gets the mask if its `call`
            takes one; a functional or sequential model only if its `supports_masking` is set, which
            is saved with the model. Decoding is faster if it can be run in two steps, `project` and
            `read`, like `BidirectionalEncoder`.
        bridge: Layer `encoder_state -> initial_state`. The result contains a list of tensors for
            each layer of the decoder.
        decoder: A `Decoder`, such as `AttentionDecoder`.
        share_embeddings: Boolean, whether source and target use one embedding, which requires one
            vocabulary for both.
        tie_output: Boolean, whether the output layer uses the weights of the target embedding, see
            `TiedLogits`.
        word_dropout: Float, the rate at which tokens of both sides are replaced by the unknown
            token in training, see `WordDropout`.
        dtype: The dtype or dtype policy of the embeddings and the output layer.
        name: String, the name of the model.

    Attributes:
        teacher_forcing: `None`, or a function of the training steps taken, such as
            `TeacherForcing`, that returns the probability with which the decoder reads the
            reference token in training; otherwise it reads its own previous prediction ("scheduled
            sampling"). Training is then slower, because the target is decoded step by step,
            including logits, before each training step. Call `compile` again after setting it.
            Saved with the model, unless it is a function or an object of a class that is not
            registered with Keras. Not supported on JAX.

    Raises:
        ValueError: If an argument is out of range, the encoder does not return outputs and a state,
            or the bridge fails.
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
        name=None,
    ):
        source_vocabulary_size = check_integer("source_vocabulary_size", source_vocabulary_size)
        target_vocabulary_size = check_integer("target_vocabulary_size", target_vocabulary_size)
        embedding_dim = check_integer("embedding_dim", embedding_dim)
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
        target_embedding = source_embedding
        if not share_embeddings:
            target_embedding = ScaledEmbedding(
                target_vocabulary_size, embedding_dim, dtype=dtype, name="target_embedding"
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
        encoder_outputs, state = run_encoder(encoder, source_embedding(seen_source_ids), mask)
        embedded_target = target_embedding(seen_target_ids)
        initial_state = run_bridge(bridge, state, decoder)
        outputs = decoder(embedded_target, initial_state, encoder_outputs, mask=mask)
        super().__init__(
            inputs={"source_ids": source_ids, "target_ids": target_ids},
            outputs=output_layer(outputs),
            name=name,
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
        self.teacher_forcing = None
        self._teacher_seeds = keras.random.SeedGenerator()
        self._generation = Generation(self)

    @property
    def has_attention(self):
        """Whether `decode_step` returns attention weights."""
        return hasattr(self.decoder, "attention")

    def encode(self, source_ids, project_values=False):
        """Encodes the source, once, for `decode_step`.

        Args:
            source_ids: Integer tensor `(batch, source_length)`.
            project_values: Boolean, whether to compute products with the encoder's outputs here,
                instead of at each step: faster for a few sentences at a time.

        Returns:
            The memory and the decoder's states before the first token: nested structures of
            tensors whose first axis is the batch.
        """
        check_right_padding(source_ids, "source_ids")
        mask = ops.not_equal(source_ids, PADDING_ID)
        if hasattr(self.encoder, "read"):
            projected = lookup_or_compute(
                self._project_source, source_ids, self.source_vocabulary_size
            )
            outputs, state = self.encoder.read(projected, mask)
        else:
            outputs, state = run_encoder(
                self.encoder, self.source_embedding(source_ids), mask, training=False
            )
        memory = self.decoder.project_memory(outputs, mask)
        # Scheduled sampling decodes within a call in training mode, which layers would inherit.
        states = self.decoder.initial_states(self.bridge(state, training=False), memory)
        return self.decoder.project_values(memory, states) if project_values else (memory, states)

    def decode_step(self, ids, states, memory):
        """Predicts the token after `ids`.

        Ids and states may have an additional axis for the hypotheses of each source,
        `(batch, n, ...)`; logits, attention weights and new states then have it too. With frozen
        weights, logits may have additional columns of minus infinity.

        Args:
            ids: Integer tensor `(batch,)`, the previous tokens.
            states: The states from `encode` or from the step before.
            memory: The memory from `encode`.

        Returns:
            The logits `(batch, target_vocabulary_size)`, the attention weights
            `(batch, source_length)` or `None`, and the new states.
        """
        projected = lookup_or_compute(self._project_target, ids, self.target_vocabulary_size)
        output, attention_scores, states = self.decoder.step(projected, states, memory)
        return self.output_layer(output), attention_scores, states

    def generate(self, source_ids, search="greedy", max_length=None, return_hypotheses=False):
        """Decodes arrays of source ids.

        On TensorFlow, the search is traced once for all shapes of ids, and once more with
        `return_hypotheses`. The traces of the eight searches used last are kept.

        Args:
            source_ids: Integer array `(batch, source_length)`, padded with 0 on the right, each
                source ending with the end token if those in training did.
            search: The decoding algorithm: `"greedy"`, `"beam"`, `"sampling"`, or a search such as
                `BeamSearch(width=5, n_best=3)`.
            max_length: Integer, the maximum number of target tokens, the end token included.
                Defaults to that of the search, 100.
            return_hypotheses: Boolean, whether to return scores and attention too.

        Returns:
            Integer array `(batch, length)`: the target tokens, the end token, then zeros. If the
            search returns several hypotheses of each source, `(batch, n_best, length)`, the best
            first. With `return_hypotheses`, `Hypotheses` of arrays.

        Raises:
            ValueError: If the ids have another shape or type, are out of range or not padded on the
                right, or if the search or `max_length` is invalid.

        Example:
            >>> model.generate(np.array([[5, 6, 3], [7, 3, 0]]), search="beam", max_length=20)
            array([[8, 9, 3], [4, 3, 0]], dtype=int32)
        """
        return self._generation(source_ids, search, max_length, return_hypotheses)

    def quantize(self, *args, **kwargs):
        """Raises `NotImplementedError`: Keras cannot quantize recurrent layers."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot be quantized, since Keras does not quantize recurrent "
            'layers; for smaller and faster models use dtype="bfloat16", as in '
            '`Translator.load(directory, dtype="bfloat16")`'
        )

    def _project_source(self, ids):
        return self.encoder.project(self.source_embedding(ids))

    def _project_target(self, ids):
        return self.decoder.project(self.target_embedding(ids))

    def call(self, inputs, training=None, mask=None):
        inputs = as_features(inputs)
        if training and self.teacher_forcing is not None:
            probability = self.teacher_forcing(steps_taken(self.optimizer) if self.compiled else 0)
            target_ids = sample_decoder_inputs(
                self, **inputs, gold_probability=probability, seed=self._teacher_seeds
            )
            inputs = {**inputs, "target_ids": target_ids}
            # Layers also added losses while sampling.
            self._clear_losses()
        return self.compute_logits(inputs, training)

    def compute_logits(self, inputs, training=None):
        """Returns the logits of the given target tokens, without scheduled sampling.

        Args:
            inputs: Dictionary `{"source_ids", "target_ids"}` of integer tensors `(batch, time)`.
            training: Boolean, whether to apply dropout.
        """
        parts = [inputs]
        if training:
            parts = split_into_micro_batches(inputs, multiple=2 if self.r_drop else 1)
        logits = []
        for part in parts:
            with scale_added_losses(self, part, inputs):
                # The model computes the masks from the ids.
                logits.append(super().call(part, training=training))
        return join_logits(logits)

    def _check_training_options(self):
        super()._check_training_options()
        if not (self.teacher_forcing is None or callable(self.teacher_forcing)):
            raise ValueError(
                "`teacher_forcing` must be None or a function of the number of steps, such as "
                f"`TeacherForcing` or `lambda step: 0.5`. Received: {self.teacher_forcing!r}"
            )

    def make_train_function(self, force=False):
        if self.teacher_forcing is not None and keras.backend.backend() == "jax":
            raise ValueError(
                "Scheduled sampling is not supported on the jax backend, whose compiled steps do "
                "not read the number of steps taken. Use `model.teacher_forcing = None`."
            )
        return super().make_train_function(force)

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
            # Not in the config of a functional model.
            "encoder_supports_masking": self.encoder.supports_masking,
            "bridge": keras.saving.serialize_keras_object(self.bridge),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "trainable": self.trainable,
            "frozen": _find_frozen(self),
            **{
                name: keras.saving.serialize_keras_object(_loadable(getattr(self, name)))
                for name in _TRAINING_OPTIONS
            },
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        trainable, frozen = config.pop("trainable", True), config.pop("frozen", ())
        # Files of earlier versions do not contain them.
        options = {name: config.pop(name) for name in _TRAINING_OPTIONS if name in config}
        for name in ("encoder", "bridge", "decoder"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        if config.pop("encoder_supports_masking", False):
            config["encoder"].supports_masking = True
        model = cls(**config)
        for name, value in options.items():
            value = keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            setattr(model, name, value)
        # Layers within a part are created as trainable, even if its config says that it is not.
        for path in frozen:
            name, *numbers = path.split("/")
            layer = getattr(model, name)
            for number in numbers:
                layer = layer._flatten_layers()[int(number)]
            layer.trainable = True  # Keras ignores an assignment that changes nothing.
            layer.trainable = False
        if not trainable:
            model.trainable = False
        return model


def _loadable(value):
    """Returns a number or an object that Keras can load, and `None` for anything else."""
    name = keras.saving.get_registered_name(type(value))
    is_known = is_part_of_keras(type(value)) or keras.saving.get_registered_object(name)
    return value if is_known or isinstance(value, Number) else None


def _find_frozen(model):
    """Returns the parts of a model that are frozen, and the layers in other parts.

    Returns:
        A list of names of attributes, such as `"encoder"`. For a layer in a part, the name is
        followed by a slash and its number among all layers of the part, such as `"encoder/2"`.
    """
    frozen = []
    for name in _PARTS:
        part, *layers = getattr(model, name)._flatten_layers()
        if not part.trainable:
            frozen.append(name)
        else:
            numbers = [number for number, layer in enumerate(layers, 1) if not layer.trainable]
            frozen += [f"{name}/{number}" for number in numbers]
    return frozen


def run_encoder(encoder, inputs, mask, training=None):
    """Runs any encoder.

    Args:
        encoder: Layer or model, see `Seq2Seq`.
        inputs: Tensor `(batch, time, dim)`.
        mask: Boolean tensor `(batch, time)`.
        training: Boolean, or `None` for the mode of the call that this is part of.

    Returns:
        The outputs `(batch, time, size)`, and the state, a nested structure of tensors.

    Raises:
        ValueError: If the encoder does not return outputs of this shape and a state.
    """
    takes_mask = "mask" in inspect.signature(encoder.call).parameters
    # Keras's own `call` of models always has the argument, but warns unless they support masking.
    is_own = not isinstance(encoder, keras.Model) or not is_part_of_keras(encoder.call)
    takes_mask = takes_mask and (encoder.supports_masking or is_own)
    arguments = {"mask": mask} if takes_mask else {}
    if training is not None:
        arguments["training"] = training
    results = encoder(inputs, **arguments)
    is_pair = isinstance(results, (list, tuple)) and len(results) > 1
    if not is_pair or len(results[0].shape) != 3:
        raise ValueError(
            "`encoder` must return outputs and a state, the outputs of shape (batch, time, size), "
            "as `keras.layers.GRU(units, return_sequences=True, return_state=True)` does. "
            f"Received: {results!r}"
        )
    outputs, *state = results
    return outputs, state[0] if len(state) == 1 else state
