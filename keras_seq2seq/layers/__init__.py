"""Reusable layers: encoders, attention layers, decoders, and the bridges between them."""

from keras_seq2seq.layers.attention import (
    ATTENTIONS,
    Attention,
    BahdanauAttention,
    DotAttention,
    ProjectedAttention,
)
from keras_seq2seq.layers.attention_decoder import DECODERS, AttentionDecoder
from keras_seq2seq.layers.bridge import BRIDGES, Bridge, DenseBridge, PassThroughBridge, ZeroBridge
from keras_seq2seq.layers.cells import Cell, GRUCell, LSTMCell
from keras_seq2seq.layers.decoder import BasicDecoder, Decoder
from keras_seq2seq.layers.embedding import Logits, ScaledEmbedding, TiedLogits, WordDropout
from keras_seq2seq.layers.encoder import (
    ENCODERS,
    BidirectionalEncoder,
    Encoder,
    UnidirectionalEncoder,
)
from keras_seq2seq.layers.recurrent_layer import CELLS, KerasCell

__all__ = [
    "ATTENTIONS",
    "BRIDGES",
    "CELLS",
    "DECODERS",
    "ENCODERS",
    "Attention",
    "AttentionDecoder",
    "BahdanauAttention",
    "BasicDecoder",
    "BidirectionalEncoder",
    "Bridge",
    "Cell",
    "Decoder",
    "DenseBridge",
    "DotAttention",
    "Encoder",
    "GRUCell",
    "KerasCell",
    "LSTMCell",
    "Logits",
    "PassThroughBridge",
    "ProjectedAttention",
    "ScaledEmbedding",
    "TiedLogits",
    "UnidirectionalEncoder",
    "WordDropout",
    "ZeroBridge",
]
