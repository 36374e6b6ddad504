"""The two encoder-decoder models, with and without attention."""

import inspect
import warnings
from difflib import get_close_matches

import keras

from keras_seq2seq.layers import BRIDGES, DECODERS, ENCODERS, Decoder
from keras_seq2seq.layers.layer import get_layer
from keras_seq2seq.layers.recurrent_layer import DEFAULT_CELL, get_cell
from keras_seq2seq.models.seq2seq import Seq2Seq

DEFAULT_NUM_UNITS = 128


class StandardSeq2Seq(Seq2Seq):
    """Base class of the models whose parts are made from a few arguments.

    A subclass names its parts: `default_encoder`, `default_decoder` and `default_bridge`.
    """

    def __init__(
        self,
        source_vocabulary_size,
        target_vocabulary_size,
        num_units=None,
        embedding_dim=None,
        cell=None,
        num_layers=None,
        dropout=None,
        share_embeddings=False,
        encoder=None,
        decoder=None,
        bridge=None,
        attention=None,
        **kwargs,
    ):
        if "cell_type" in kwargs:
            warnings.warn("cell_type: deprecated; use `cell`", DeprecationWarning, stacklevel=2)
            cell = kwargs.pop("cell_type")
        _check_names(type(self).__name__, kwargs)
        encoder, decoder = encoder or self.default_encoder, decoder or self.default_decoder
        options = {"cell": cell, "num_layers": num_layers, "dropout": dropout}
        _check_used(options, "an encoder and a decoder", encoder, decoder)
        _check_used({"attention": attention}, "a decoder", decoder)

        cell = DEFAULT_CELL if cell is None else cell
        if num_units is None:
            is_name = isinstance(cell, str)
            num_units = DEFAULT_NUM_UNITS if is_name else get_cell(cell).num_units
        dtype = {"dtype": kwargs.get("dtype")}
        stack = {
            "num_units": num_units,
            "cell": cell,
            "num_layers": 1 if num_layers is None else num_layers,
            "input_dropout": 0.0 if dropout is None else dropout,
            "output_dropout": 0.0 if dropout is None else dropout,
            **dtype,
        }
        attention = {} if attention is None else {"attention": attention}
        encoder = get_layer(encoder, ENCODERS, "encoder", **stack, name="encoder")
        decoder = get_layer(decoder, DECODERS, "decoder", **stack, **attention, name="decoder")
        if not isinstance(decoder, Decoder):
            raise ValueError(
                "`decoder` must be a subclass of `keras_seq2seq.layers.Decoder`, such as "
                f"`AttentionDecoder`. Received: decoder={decoder!r}"
            )
        sizes = {"state_sizes": decoder.state_sizes}
        bridge = bridge or self.default_bridge
        super().__init__(
            source_vocabulary_size,
            target_vocabulary_size,
            num_units if embedding_dim is None else embedding_dim,
            encoder=encoder,
            bridge=get_layer(bridge, BRIDGES, "bridge", **sizes, **dtype, name="bridge"),
            decoder=decoder,
            share_embeddings=share_embeddings,
            **kwargs,
        )


@keras.saving.register_keras_serializable("keras_seq2seq")
class AttentionSeq2Seq(StandardSeq2Seq):
    """A bidirectional encoder and a decoder that attends to it, with input feeding.

    Called on `{"source_ids": (batch, source_length), "target_ids": (batch, target_length)}`,
    integers padded with 0 on the right, it returns logits
    `(batch, target_length, target_vocabulary_size)`.

    Args:
        source_vocabulary_size: Integer, the number of source ids, special ids included.
        target_vocabulary_size: Integer, the number of target ids, special ids included.
        num_units: Integer, the units of the decoder and of each direction of the encoder. Defaults
            to those of a `cell` that is given as a layer, or else to 128.
        embedding_dim: Integer, the size of the embeddings. Defaults to `num_units`.
        cell: The recurrent cell: `"LSTMCell"` (the default), `"GRUCell"`, a config, or a cell that
            serves as a template for all layers.
        num_layers: Integer, the number of layers of the encoder and of the decoder. Defaults to 1.
        dropout: Float, the dropout rate of the inputs and outputs of each layer. Defaults to 0.
        share_embeddings: Boolean, whether source and target use one embedding.
        encoder: The encoder: `"BidirectionalEncoder"` (the default) or `"UnidirectionalEncoder"`,
            made from the arguments above, a config, or any layer or model that returns outputs and
            a state.
        decoder: The decoder: `"AttentionDecoder"` (the default), made from the arguments above, a
            config, or a `Decoder`.
        bridge: The bridge: `"dense"` (the default), `"pass_through"`, `"zero"`, a config, or a
            layer.
        attention: The attention of the decoder: `"bahdanau"` (the default), `"dot"`, a config, or
            an `Attention`.
        **kwargs: `tie_output` and `word_dropout`, see `Seq2Seq`; `name`; and `dtype`, the dtype or
            dtype policy of the layers that the model creates.

    Raises:
        TypeError: If an argument is unknown.
        ValueError: If an argument is out of range or has no effect, if sizes conflict, or if
            `share_embeddings` is given with two vocabularies of different sizes.

    Example:
        >>> model = AttentionSeq2Seq(8000, 6000, num_units=256, cell="GRUCell", dropout=0.2)
        >>> model.compile("adam", loss=MaskedCrossEntropy())
        >>> model.fit(make_dataset(...))

    Reference:
        - Bahdanau et al., 2015, https://arxiv.org/abs/1409.0473
        - Britz et al., 2017, "Massive Exploration of Neural Machine Translation
          Architectures", https://arxiv.org/abs/1703.03906
    """

    default_encoder = "BidirectionalEncoder"
    default_decoder = "AttentionDecoder"
    default_bridge = "dense"


@keras.saving.register_keras_serializable("keras_seq2seq")
class BasicSeq2Seq(StandardSeq2Seq):
    """A unidirectional encoder whose final state initializes the decoder, without attention.

    Called on `{"source_ids": (batch, source_length), "target_ids": (batch, target_length)}`,
    integers padded with 0 on the right, it returns logits
    `(batch, target_length, target_vocabulary_size)`.

    Args:
        source_vocabulary_size: Integer, the number of source ids, special ids included.
        target_vocabulary_size: Integer, the number of target ids, special ids included.
        num_units: Integer, the units of each layer. Defaults to those of a `cell` that is given as
            a layer, or else to 128.
        embedding_dim: Integer, the size of the embeddings. Defaults to `num_units`.
        cell: The recurrent cell: `"LSTMCell"` (the default), `"GRUCell"`, a config, or a cell that
            serves as a template for all layers.
        num_layers: Integer, the number of layers of the encoder and of the decoder. Defaults to 1.
        dropout: Float, the dropout rate of the inputs and outputs of each layer. Defaults to 0.
        share_embeddings: Boolean, whether source and target use one embedding.
        encoder: The encoder: `"UnidirectionalEncoder"` (the default) or `"BidirectionalEncoder"`,
            made from the arguments above, a config, or any layer or model that returns outputs and
            a state.
        decoder: The decoder: `"BasicDecoder"` (the default), made from the arguments above, a
            config, or a `Decoder`.
        bridge: The bridge: `"pass_through"` (the default), `"dense"`, `"zero"`, a config, or a
            layer.
        **kwargs: `tie_output` and `word_dropout`, see `Seq2Seq`; `name`; and `dtype`, the dtype or
            dtype policy of the layers that the model creates.

    Raises:
        TypeError: If an argument is unknown.
        ValueError: If an argument is out of range or has no effect, if sizes conflict, or if
            `share_embeddings` is given with two vocabularies of different sizes.

    Example:
        >>> model = BasicSeq2Seq(8000, 6000, num_units=256, dropout=0.2)
        >>> model.compile("adam", loss=MaskedCrossEntropy())
        >>> model.fit(make_dataset(...))

    Reference:
        - Sutskever et al., 2014, "Sequence to Sequence Learning with Neural Networks",
          https://arxiv.org/abs/1409.3215
    """

    default_encoder = "UnidirectionalEncoder"
    default_decoder = "BasicDecoder"
    default_bridge = "pass_through"


# Arguments of the base class that are passed on.
_OTHER_NAMES = ("tie_output", "word_dropout", "dtype", "name")


def _check_names(model, kwargs):
    """Raises `TypeError` for an argument that a model does not have."""
    known = [*inspect.signature(StandardSeq2Seq).parameters, *_OTHER_NAMES]
    known.remove("kwargs")
    for name in set(kwargs) - set(_OTHER_NAMES):
        near = get_close_matches("num_units" if name == "units" else name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(known)}"
        raise TypeError(f"{model} got an unexpected keyword argument {name!r}{hint}")


def _check_used(options, what, *parts):
    """Raises `ValueError` for an option that is given although none of the parts is made here."""
    if any(isinstance(part, str) for part in parts):
        return
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"`{name}` has no effect beside {what} given as a config or a layer. "
                f"Received: {name}={value!r}"
            )
