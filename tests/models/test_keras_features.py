"""What Keras does with models: checkpoints, clones, SavedModels, arrays."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness import numbers_of

from keras_seq2seq import AttentionSeq2Seq, BasicSeq2Seq, BidirectionalEncoder
from keras_seq2seq.layers import Attention, ScaledEmbedding

SOURCE_IDS = np.array([[5, 6, 7, 3], [8, 9, 3, 0]], "int32")
TARGET_IDS = np.array([[2, 7, 6], [2, 9, 8]], "int32")
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}


class EncoderWithLists(keras.layers.Layer):
    """A user's encoder that keeps its layers in a dictionary of lists."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parts = {"dense": [keras.layers.Dense(8) for _ in range(2)]}

    def build(self, input_shape):
        for layer in self.parts["dense"]:
            layer.build((*input_shape[:-1], 8))

    def call(self, inputs):
        for layer in self.parts["dense"]:
            inputs = layer(inputs)
        return inputs, keras.ops.mean(inputs, axis=1)


MODELS = {
    "lstm": lambda: AttentionSeq2Seq(10, 10, num_units=8, num_layers=2),
    "tied": lambda: BasicSeq2Seq(10, 10, num_units=8, tie_output=True, share_embeddings=True),
    "keras_cell": lambda: AttentionSeq2Seq(
        10,
        10,
        cell=keras.layers.StackedRNNCells([keras.layers.GRUCell(8), keras.layers.LSTMCell(8)]),
    ),
    "lists": lambda: AttentionSeq2Seq(10, 10, num_units=8, encoder=EncoderWithLists()),
}


@pytest.mark.parametrize("name", MODELS)
def test_checkpoints_contain_every_weight(name, tmp_path):
    model, other = MODELS[name](), MODELS[name]()
    path = tf.train.Checkpoint(model=model).save(tmp_path / "checkpoint")
    tf.train.Checkpoint(model=other).restore(path).assert_existing_objects_matched()
    for weight, expected in zip(other.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())


@pytest.mark.parametrize("name", ["lstm", "tied", "lists"])
def test_a_saved_model_computes_the_same(name, tmp_path):
    model = MODELS[name]()
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(exported.serve(BATCH), numbers_of(model(BATCH)), atol=1e-5)


def test_a_saved_layer_has_the_same_gradients(tmp_path):
    inputs = keras.Input((None, 3))
    outputs, _ = BidirectionalEncoder(4)(inputs)
    model = keras.Model(inputs, outputs)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    values = tf.random.normal((2, 5, 3), seed=1)
    gradients = []
    for function in (model, exported.serve):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_sum(function(values) ** 2)
        gradients.append(tape.gradient(total, values))
    np.testing.assert_allclose(*gradients, atol=1e-5)


def test_a_clone_computes_the_same():
    model = MODELS["lstm"]()
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(numbers_of(clone(BATCH)), numbers_of(model(BATCH)), atol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "tied", "keras_cell"])
def test_a_copy_from_the_config_generates_the_same(name):
    model = MODELS[name]()
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.generate(SOURCE_IDS), model.generate(SOURCE_IDS))


def test_a_loaded_model_with_nested_cells_has_as_many_weights_and_computes_the_same(tmp_path):
    """Forward and backward cells have the same config, but not the same weights."""
    model = MODELS["keras_cell"]()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.count_params() == model.count_params()
    np.testing.assert_allclose(numbers_of(loaded(BATCH)), numbers_of(model(BATCH)), atol=1e-6)
    np.testing.assert_array_equal(loaded.generate(SOURCE_IDS), model.generate(SOURCE_IDS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"encoder": keras.layers.GRU(8, return_state=True)},
            "`encoder` must return outputs and a state, the outputs of shape (batch, time, size)",
        ),
        (
            {"bridge": keras.layers.Dense(8)},
            "`bridge` must accept the encoder's state, of shapes [[(None, 16), (None, 16)]], and "
            "return the decoder's, of sizes [(8, 8)] by layer. Dense failed: ",
        ),
        (
            {"decoder": keras.layers.GRU(8)},
            "`decoder` must be a subclass of `keras_seq2seq.layers.Decoder`",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_layers_that_do_not_fit_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        AttentionSeq2Seq(10, 10, num_units=8, **arguments)


@pytest.mark.parametrize(
    "part",
    [
        "target_embedding",
        "encoder",
        *(
            pytest.param(part, marks=pytest.mark.slow)
            for part in ("source_embedding", "bridge", "decoder", "output_layer")
        ),
    ],
)
def test_frozen_layers_stay_frozen(part, tmp_path):
    model = MODELS["lstm"]()
    getattr(model, part).trainable = False
    expected = [weight.path for weight in model.trainable_weights]
    assert len(expected) < len(model.weights)
    model.compile()
    model.fit(BATCH, TARGET_IDS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for copy in (loaded, type(model).from_config(model.get_config())):
        assert not getattr(copy, part).trainable
        assert [weight.path for weight in copy.trainable_weights] == expected
        getattr(copy, part).trainable = True
        assert len(copy.trainable_weights) == len(MODELS["lstm"]().trainable_weights)
    saved, restored = model.optimizer.variables, loaded.optimizer.variables
    for variable, expected_variable in zip(restored, saved, strict=True):
        np.testing.assert_array_equal(variable, expected_variable)


def test_frozen_layers_within_a_part_stay_frozen(tmp_path):
    model = AttentionSeq2Seq(10, 10, num_units=8, num_layers=2)
    model.encoder.forward_layers[0].trainable = False
    model.encoder.backward_layers[1].trainable = False
    expected = [weight.path for weight in model.trainable_weights]
    assert 0 < len(expected) < len(model.weights)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for copy in (loaded, type(model).from_config(model.get_config())):
        assert [weight.path for weight in copy.trainable_weights] == expected


def test_a_frozen_model_stays_frozen():
    model = MODELS["lstm"]()
    model.trainable = False
    copy = type(model).from_config(model.get_config())
    assert not copy.trainable and not copy.trainable_weights


@pytest.mark.parametrize("dtype", ["float32", "uint16", "int64"])
def test_ids_of_any_dtype_are_embedded(dtype):
    embedding = ScaledEmbedding(10, 4)
    ids = np.array([[5, 2, 0]])
    np.testing.assert_array_equal(embedding(ids.astype(dtype)), embedding(ids.astype("int32")))


def test_an_attention_layer_needs_no_build():
    class Average(Attention):
        def attend(self, query, memory, state):
            weights = keras.ops.cast(memory["mask"], query.dtype)
            weights /= keras.ops.sum(weights, axis=-1, keepdims=True)
            return keras.ops.einsum("bt,btd->bd", weights, memory["values"]), weights, state

    model = AttentionSeq2Seq(10, 10, num_units=8, attention=Average())
    assert model(BATCH).shape == (*TARGET_IDS.shape, 10)


def test_dropout_of_nested_cells_is_rejected():
    cells = [keras.layers.GRUCell(8, dropout=0.5), keras.layers.GRUCell(8)]
    with pytest.raises(ValueError, match="`dropout` of a Keras cell is not applied here"):
        AttentionSeq2Seq(10, 10, cell=keras.layers.StackedRNNCells(cells))


def test_the_config_of_a_loss_keeps_its_arguments():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    model = MODELS["lstm"]()
    model.compile(loss=keras.losses.serialize(loss))
    assert model.loss.reduction == "sum"
    function = keras.losses.sparse_categorical_crossentropy
    model.compile(loss=keras.losses.serialize(function))
    assert model.loss.from_logits
    loss = keras.losses.SparseCategoricalCrossentropy()
    with pytest.raises(ValueError, match="The model returns logits, not probabilities"):
        model.compile(loss=keras.losses.serialize(loss))


def test_sizes_may_be_numbers_of_numpy():
    size = SOURCE_IDS.max() + 1
    model = AttentionSeq2Seq(size, size, num_units=np.int64(8), embedding_dim=np.int32(4))
    copy = type(model).from_config(model.get_config())
    assert copy.count_params() == model.count_params()
    with pytest.raises(ValueError, match="`num_units` must be an integer.*num_units=True"):
        AttentionSeq2Seq(10, 10, num_units=True)


def test_quantization_says_what_to_do():
    with pytest.raises(NotImplementedError, match='use dtype="bfloat16"'):
        MODELS["lstm"]().quantize("int8")


@pytest.mark.parametrize("method", ["__call__", "predict", "predict_on_batch", "generate"])
def test_padding_on_the_left_is_an_error(method):
    model = MODELS["lstm"]()
    padded = SOURCE_IDS[:, ::-1]
    inputs = padded if method == "generate" else {**BATCH, "source_ids": padded}
    with pytest.raises(ValueError, match="^`source_ids` must be padded with 0 on the right.*row 1"):
        getattr(model, method)(inputs)


def test_padding_on_the_left_of_the_target_is_an_error_in_training():
    model = MODELS["lstm"]()
    model.compile()
    with pytest.raises(ValueError, match="`target_ids` must be padded with 0 on the right"):
        model.fit({**BATCH, "target_ids": np.array([[0, 2], [2, 4]])}, TARGET_IDS[:, :2])
    with pytest.raises(ValueError, match="`source_ids` must be padded with 0 on the right"):
        model.encode(SOURCE_IDS[:, ::-1])
