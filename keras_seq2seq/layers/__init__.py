"""Reusable layers: encoders, attentions, decoders, and the bridges between them."""

from keras_seq2seq.layers.attention import BahdanauAttention, DotAttention
from keras_seq2seq.layers.attention_decoder import AttentionDecoder
from keras_seq2seq.layers.bridge import DenseBridge, PassThroughBridge, ZeroBridge
from keras_seq2seq.layers.cells import GRUCell, LSTMCell
from keras_seq2seq.layers.decoder import BasicDecoder
from keras_seq2seq.layers.embedding import ScaledEmbedding, WordDropout
from keras_seq2seq.layers.encoder import BidirectionalEncoder, UnidirectionalEncoder
from keras_seq2seq.layers.logits import Logits, TiedLogits

__all__ = [
    "AttentionDecoder",
    "BahdanauAttention",
    "BasicDecoder",
    "BidirectionalEncoder",
    "DenseBridge",
    "DotAttention",
    "GRUCell",
    "LSTMCell",
    "Logits",
    "PassThroughBridge",
    "ScaledEmbedding",
    "TiedLogits",
    "UnidirectionalEncoder",
    "WordDropout",
    "ZeroBridge",
]
