from keras_seq2seq.layers import BasicDecoder, PassThroughBridge, UnidirectionalEncoder
from keras_seq2seq.models import BasicSeq2Seq


def test_parts_are_made_of_the_arguments():
    model = BasicSeq2Seq(
        11, 9, num_units=4, embedding_dim=3, cell_type="GRUCell", num_layers=2, dropout=0.3
    )
    assert model.output_shape == (None, None, 9)
    assert model.source_embedding.embeddings.shape == (11, 3)
    assert model.target_embedding.embeddings.shape == (9, 3)
    assert isinstance(model.bridge, PassThroughBridge)
    for part, part_class in ((model.encoder, UnidirectionalEncoder), (model.decoder, BasicDecoder)):
        assert isinstance(part, part_class)
        assert (part.num_units, part.num_layers, part.cell_type) == (4, 2, "GRUCell")
        assert (part.input_dropout, part.output_dropout) == (0.3, 0.3)


def test_embeddings_default_to_the_units():
    assert BasicSeq2Seq(11, 9, num_units=4).embedding_dim == 4
