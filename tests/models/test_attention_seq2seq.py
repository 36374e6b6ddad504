import keras
import numpy as np
import pytest
from harness import numbers_of, padded_ids, randomize

from keras_seq2seq.layers import (
    AttentionDecoder,
    BasicDecoder,
    BidirectionalEncoder,
    DenseBridge,
    PassThroughBridge,
    UnidirectionalEncoder,
)
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq


def test_attention_seq2seq_parts_are_made_of_the_arguments():
    model = AttentionSeq2Seq(
        11, 9, num_units=4, embedding_dim=3, cell="GRUCell", num_layers=2, dropout=0.3
    )
    assert model.output_shape == (None, None, 9)
    assert model.source_embedding.embeddings.shape == (11, 3)
    assert model.target_embedding.embeddings.shape == (9, 3)
    assert isinstance(model.bridge, DenseBridge)
    for part, part_class in (
        (model.encoder, BidirectionalEncoder),
        (model.decoder, AttentionDecoder),
    ):
        assert isinstance(part, part_class)
        assert (part.num_units, part.num_layers, part.cell_config["class_name"]) == (
            4,
            2,
            "GRUCell",
        )
        assert (part.input_dropout, part.output_dropout) == (0.3, 0.3)


def test_attention_seq2seq_embeddings_default_to_the_units():
    assert AttentionSeq2Seq(11, 9, num_units=4).embedding_dim == 4


def test_basic_seq2seq_parts_are_made_of_the_arguments():
    model = BasicSeq2Seq(
        11, 9, num_units=4, embedding_dim=3, cell="GRUCell", num_layers=2, dropout=0.3
    )
    assert model.output_shape == (None, None, 9)
    assert model.source_embedding.embeddings.shape == (11, 3)
    assert model.target_embedding.embeddings.shape == (9, 3)
    assert isinstance(model.bridge, PassThroughBridge)
    for part, part_class in ((model.encoder, UnidirectionalEncoder), (model.decoder, BasicDecoder)):
        assert isinstance(part, part_class)
        assert (part.num_units, part.num_layers, part.cell_config["class_name"]) == (
            4,
            2,
            "GRUCell",
        )
        assert (part.input_dropout, part.output_dropout) == (0.3, 0.3)


def test_basic_seq2seq_embeddings_default_to_the_units():
    assert BasicSeq2Seq(11, 9, num_units=4).embedding_dim == 4


SOURCE_IDS = padded_ids([4, 1, 3, 5], 9, seed=1)
TARGET_IDS = padded_ids([3, 6, 1, 2], 9, seed=2)
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}


def make_model(model_class, **arguments):
    return randomize(model_class(9, 9, num_units=4, cell="GRUCell", **arguments))


@pytest.mark.parametrize("embedding_dim", [4, 3])
@pytest.mark.parametrize("model_class", [AttentionSeq2Seq, BasicSeq2Seq])
def test_writes_with_the_table_that_it_reads_with(model_class, embedding_dim):
    arguments = {"embedding_dim": embedding_dim}
    tied = make_model(model_class, tie_output=True, **arguments)
    # An ordinary output layer with the transposed table as its kernel gives the same numbers.
    free = make_model(model_class, **arguments)
    other = {weight.path: weight for weight in tied.weights}
    for weight in free.weights:
        if weight.path == "logits/kernel":
            kernel = tied.target_embedding.get_weights()[0].T
            if embedding_dim != 4:
                kernel = other["logits/projection"].numpy() @ kernel
            weight.assign(kernel)
        else:
            weight.assign(other[weight.path])
    np.testing.assert_allclose(numbers_of(tied(BATCH)), numbers_of(free(BATCH)), atol=1e-5)
    memory, states = tied.encode(SOURCE_IDS)
    logits, *_ = tied.decode_step(TARGET_IDS[:, 0], states, memory)
    np.testing.assert_allclose(numbers_of(logits), numbers_of(free(BATCH))[:, 0], atol=1e-5)


def test_one_table_for_everything_survives_training_and_saving(tmp_path):
    model = make_model(AttentionSeq2Seq, tie_output=True, share_embeddings=True, word_dropout=0.2)
    assert sum("embedding" in weight.path for weight in model.weights) == 1
    assert not any(weight.path == "logits/kernel" for weight in model.weights)
    model.compile(keras.optimizers.SGD(0.1), MaskedCrossEntropy())
    model.train_on_batch(BATCH, TARGET_IDS)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.tie_output, loaded.word_dropout) == (True, 0.2)
    np.testing.assert_allclose(numbers_of(loaded(BATCH)), numbers_of(model(BATCH)), atol=1e-6)
    # Words are dropped in training only.
    first, second = (numbers_of(model(BATCH, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0
