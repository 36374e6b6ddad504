import keras
import numpy as np
import pytest

from keras_seq2seq.config import Config
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import (
    AttentionDecoder,
    BahdanauAttention,
    BidirectionalEncoder,
    DenseBridge,
    ScaledEmbedding,
)
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq
from keras_seq2seq.text import Vocabulary, WhitespaceTokenizer
from keras_seq2seq.training.initial_weights import load_embedding, start_from

ENGLISH = Vocabulary("a man sleeps".split())
GERMAN = Vocabulary("ein mann schläft".split())
OTHER_GERMAN = Vocabulary("schläft eine frau ein".split())


def make_model(source, target, num_units=4):
    keras.utils.set_random_seed(num_units)
    return BasicSeq2Seq(
        len(source), len(target), num_units=num_units, embedding_dim=3, cell="GRUCell"
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A model whose weights are all different."""
    directory = ModelDirectory(tmp_path_factory.mktemp("model"))
    directory.create(Config(), WhitespaceTokenizer(ENGLISH), WhitespaceTokenizer(GERMAN))
    model = make_model(ENGLISH, GERMAN)
    for number, weight in enumerate(model.weights):
        values = np.arange(np.prod(weight.shape)) + 1000 * number
        weight.assign(values.reshape(weight.shape))
    directory.save_model(model)
    return directory


def weights(model):
    return {weight.path: weight.numpy() for weight in model.weights}


def test_the_same_model_takes_over_everything(directory):
    model = make_model(ENGLISH, GERMAN)
    report = start_from(model, (ENGLISH, GERMAN), directory)
    assert report.left == {}
    assert report.taken == dict.fromkeys(weights(model), "")
    for value, other in zip(model.get_weights(), directory.load_model().get_weights(), strict=True):
        np.testing.assert_array_equal(value, other)


def test_layers_given_as_objects_are_taken_over_whatever_their_names(tmp_path):
    def make(decoder, **options):
        return AttentionSeq2Seq(7, 7, embedding_dim=4, decoder=decoder, **options)

    attention = BahdanauAttention(4, name="mine")
    other = make(
        AttentionDecoder(4, attention=attention, cell="GRUCell", context_skip=True),
        encoder=BidirectionalEncoder(4, cell="GRUCell", concat_inputs=True),
        bridge=DenseBridge([[4]], name="between"),
    )
    directory = ModelDirectory(tmp_path)
    directory.create(Config(), WhitespaceTokenizer(ENGLISH), WhitespaceTokenizer(GERMAN))
    directory.save_model(other)
    model = make(
        AttentionDecoder(4, cell="GRUCell", context_skip=True, name="decoder"),
        encoder=BidirectionalEncoder(4, cell="GRUCell", concat_inputs=True, name="encoder"),
        bridge="dense",
    )
    report = start_from(model, (ENGLISH, GERMAN), directory)
    assert report.left == {}
    assert {"encoder/forward_0/cell/kernel", "decoder/skip_kernel"} < report.taken.keys()
    for value, expected in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_another_vocabulary_is_taken_over_token_by_token(directory):
    model = make_model(ENGLISH, OTHER_GERMAN)
    fresh, old = weights(model), weights(directory.load_model())
    report = start_from(model, (ENGLISH, OTHER_GERMAN), directory)
    new = weights(model)
    partial = {path: words for path, words in report.taken.items() if words}
    assert partial == dict.fromkeys(
        ["target_embedding/embeddings", "logits/kernel", "logits/bias"], "2 of 4 tokens"
    )
    # Special tokens, "schläft" (4 here, 6 there) and "ein" (7 here, 4 there).
    here, there = [0, 1, 2, 3, 4, 7], [0, 1, 2, 3, 6, 4]
    for path, axis in [("target_embedding/embeddings", 0), ("logits/kernel", 1)]:
        np.testing.assert_array_equal(
            np.take(new[path], here, axis), np.take(old[path], there, axis)
        )
        np.testing.assert_array_equal(
            np.take(new[path], [5, 6], axis), np.take(fresh[path], [5, 6], axis)
        )


def test_other_shapes_and_other_names_stay_fresh(directory):
    model = make_model(ENGLISH, GERMAN, num_units=5)
    fresh = weights(model)
    report = start_from(model, (ENGLISH, GERMAN), directory)
    assert set(report.taken) == {
        "source_embedding/embeddings",
        "target_embedding/embeddings",
        "logits/bias",
    }
    assert (
        report.left["encoder/layer_0/cell/bias"]
        == "shape (12,) in the other model, (15,) in this one"
    )
    for path in report.left:
        np.testing.assert_array_equal(weights(model)[path], fresh[path])


def test_a_pattern_chooses(directory):
    report = start_from(make_model(ENGLISH, GERMAN), (ENGLISH, GERMAN), directory, "^source|bias$")
    assert all(path.startswith("source") or path.endswith("bias") for path in report.taken)
    assert set(report.left.values()) == {"the path does not match"}
    assert "source_embedding/embeddings" in report.taken and "logits/bias" in report.taken


def test_nothing_at_all_is_an_error(directory, tmp_path):
    model = make_model(ENGLISH, GERMAN)
    with pytest.raises(UserError, match="no weights can be loaded: .* does not match"):
        start_from(model, (ENGLISH, GERMAN), directory, "no such weight")
    with pytest.raises(UserError, match="no such file"):
        start_from(model, (ENGLISH, GERMAN), ModelDirectory(tmp_path))


def test_vectors_come_out_scaled_and_the_others_stay(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("mann 3 0 0 0\nhund 9 9 9 9\nein 0 0 0 -4\n")
    vocabulary = Vocabulary("ein mann schläft".split())
    layer = ScaledEmbedding(len(vocabulary), 4)
    layer.build()
    before = layer(np.arange(7)).numpy()
    assert load_embedding(layer, path, vocabulary) == (2, 3)
    after = layer(np.arange(7)).numpy()
    # The components 3 and -4 among eight have a mean square of 25 / 8.
    scale = (25 / 8) ** -0.5
    np.testing.assert_allclose(after[4], [0, 0, 0, -4 * scale], atol=1e-6)
    np.testing.assert_allclose(after[5], [3 * scale, 0, 0, 0], atol=1e-6)
    assert np.mean(after[4:6] ** 2) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_array_equal(after[[0, 1, 2, 3, 6]], before[[0, 1, 2, 3, 6]])


def test_large_vectors_are_scaled_alike(tmp_path):
    path = tmp_path / "vectors.txt"
    # Their squares are too large for float32.
    path.write_text("mann 3e30 0 0 0\nein 0 0 0 -4e30\n")
    vocabulary = Vocabulary("ein mann schläft".split())
    layer = ScaledEmbedding(len(vocabulary), 4)
    layer.build()
    load_embedding(layer, path, vocabulary)
    scale = (25 / 8) ** -0.5
    np.testing.assert_allclose(layer(np.array([4]))[0], [0, 0, 0, -4 * scale], atol=1e-6)
