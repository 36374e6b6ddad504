"""Reusable layers: encoders, attentions, decoders, and the bridges between them."""

from keras_seq2seq.layers.attention_decoder import AttentionDecoder
from keras_seq2seq.layers.bahdanau_attention import BahdanauAttention
from keras_seq2seq.layers.basic_decoder import BasicDecoder
from keras_seq2seq.layers.bidirectional_encoder import BidirectionalEncoder
from keras_seq2seq.layers.dense_bridge import DenseBridge
from keras_seq2seq.layers.dot_attention import DotAttention
from keras_seq2seq.layers.gru_cell import GRUCell
from keras_seq2seq.layers.logits import Logits
from keras_seq2seq.layers.lstm_cell import LSTMCell
from keras_seq2seq.layers.pass_through_bridge import PassThroughBridge
from keras_seq2seq.layers.scaled_embedding import ScaledEmbedding
from keras_seq2seq.layers.tied_logits import TiedLogits
from keras_seq2seq.layers.unidirectional_encoder import UnidirectionalEncoder
from keras_seq2seq.layers.word_dropout import WordDropout
from keras_seq2seq.layers.zero_bridge import ZeroBridge

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
