"""The two encoder-decoder models, with and without attention."""

import keras

from keras_seq2seq.layers import (
    AttentionDecoder,
    BasicDecoder,
    BidirectionalEncoder,
    DenseBridge,
    PassThroughBridge,
    UnidirectionalEncoder,
)
from keras_seq2seq.models.seq2seq import Seq2Seq


@keras.saving.register_keras_serializable("keras_seq2seq")
class AttentionSeq2Seq(Seq2Seq):
    """A bidirectional encoder and a decoder that attends to it, with input feeding.

    Called on `{"source_ids": (batch, source_length), "target_ids": (batch, target_length)}`,
    integers padded with 0 on the right, it gives logits
    `(batch, target_length, target_vocabulary_size)`.

    Args:
        source_vocabulary_size: Integer, the number of source ids, special ids included.
        target_vocabulary_size: Integer, the number of target ids, special ids included.
        num_units: Integer, the units of the decoder and of each direction of the encoder.
        embedding_dim: Integer, the size of the embeddings. Defaults to `num_units`.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the layers of the encoder and of the decoder.
        dropout: Float, the rate at which the inputs and outputs of each layer are dropped.
        share_embeddings: Boolean, whether source and target use one embedding.
        encoder: Layer used instead of a `BidirectionalEncoder` made of the arguments above.
        decoder: Layer used instead of an `AttentionDecoder` made of the arguments above.
        bridge: Layer used instead of a `DenseBridge`.
        **kwargs: `name`; `tie_output` and `word_dropout`, see `Seq2Seq`; and `dtype`, the dtype
            or dtype policy of the layers made here.

    Raises:
        ValueError: If an argument is out of range, or `share_embeddings` is given with two
            vocabularies of different sizes.

    Example:
        >>> model = AttentionSeq2Seq(8000, 6000, num_units=256, dropout=0.2)
        >>> model.compile("adam", loss=MaskedCrossEntropy())
        >>> model.fit(make_dataset(...))

    Reference:
        - Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473
        - Britz et al., 2017, "Massive Exploration of Neural Machine Translation
          Architectures", https://arxiv.org/abs/1703.03906
    """

    def __init__(
        self,
        source_vocabulary_size,
        target_vocabulary_size,
        num_units=128,
        embedding_dim=None,
        cell_type="LSTMCell",
        num_layers=1,
        dropout=0.0,
        share_embeddings=False,
        encoder=None,
        decoder=None,
        bridge=None,
        **kwargs,
    ):
        shape = {
            "cell_type": cell_type,
            "num_layers": num_layers,
            "input_dropout": dropout,
            "output_dropout": dropout,
            "dtype": kwargs.get("dtype"),
        }
        encoder = encoder or BidirectionalEncoder(num_units, **shape, name="encoder")
        decoder = decoder or AttentionDecoder(num_units, **shape, name="decoder")
        super().__init__(
            source_vocabulary_size,
            target_vocabulary_size,
            num_units if embedding_dim is None else embedding_dim,
            encoder=encoder,
            bridge=bridge
            or DenseBridge(decoder.state_sizes, dtype=kwargs.get("dtype"), name="bridge"),
            decoder=decoder,
            share_embeddings=share_embeddings,
            **kwargs,
        )


@keras.saving.register_keras_serializable("keras_seq2seq")
class BasicSeq2Seq(Seq2Seq):
    """A unidirectional encoder whose final state starts the decoder, without attention.

    Called on `{"source_ids": (batch, source_length), "target_ids": (batch, target_length)}`,
    integers padded with 0 on the right, it gives logits
    `(batch, target_length, target_vocabulary_size)`.

    Args:
        source_vocabulary_size: Integer, the number of source ids, special ids included.
        target_vocabulary_size: Integer, the number of target ids, special ids included.
        num_units: Integer, the units of each layer.
        embedding_dim: Integer, the size of the embeddings. Defaults to `num_units`.
        cell_type: String, `"LSTMCell"` or `"GRUCell"`.
        num_layers: Integer, the layers of the encoder and of the decoder.
        dropout: Float, the rate at which the inputs and outputs of each layer are dropped.
        share_embeddings: Boolean, whether source and target use one embedding.
        encoder: Layer used instead of a `UnidirectionalEncoder` made of the arguments above.
        decoder: Layer used instead of a `BasicDecoder` made of the arguments above.
        bridge: Layer used instead of a `PassThroughBridge`.
        **kwargs: `name`; `tie_output` and `word_dropout`, see `Seq2Seq`; and `dtype`, the dtype
            or dtype policy of the layers made here.

    Raises:
        ValueError: If an argument is out of range, or `share_embeddings` is given with two
            vocabularies of different sizes.

    Example:
        >>> model = BasicSeq2Seq(8000, 6000, num_units=256, dropout=0.2)
        >>> model.compile("adam", loss=MaskedCrossEntropy())
        >>> model.fit(make_dataset(...))

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    def __init__(
        self,
        source_vocabulary_size,
        target_vocabulary_size,
        num_units=128,
        embedding_dim=None,
        cell_type="LSTMCell",
        num_layers=1,
        dropout=0.0,
        share_embeddings=False,
        encoder=None,
        decoder=None,
        bridge=None,
        **kwargs,
    ):
        shape = {
            "cell_type": cell_type,
            "num_layers": num_layers,
            "input_dropout": dropout,
            "output_dropout": dropout,
            "dtype": kwargs.get("dtype"),
        }
        encoder = encoder or UnidirectionalEncoder(num_units, **shape, name="encoder")
        decoder = decoder or BasicDecoder(num_units, **shape, name="decoder")
        super().__init__(
            source_vocabulary_size,
            target_vocabulary_size,
            num_units if embedding_dim is None else embedding_dim,
            encoder=encoder,
            bridge=bridge
            or PassThroughBridge(decoder.state_sizes, dtype=kwargs.get("dtype"), name="bridge"),
            decoder=decoder,
            share_embeddings=share_embeddings,
            **kwargs,
        )
