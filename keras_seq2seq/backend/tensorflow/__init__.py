"""For TensorFlow."""

from keras_seq2seq.backend.tensorflow.adam import Adam
from keras_seq2seq.backend.tensorflow.constants import fixed_weights, tabulated
from keras_seq2seq.backend.tensorflow.logits import join_logits, make_logits, smoothed_cross_entropy
from keras_seq2seq.backend.tensorflow.product import affine, matmul, product, take_beams, take_rows
from keras_seq2seq.backend.tensorflow.record import Record
from keras_seq2seq.backend.tensorflow.scan import scan
from keras_seq2seq.backend.tensorflow.shards import split_batch

__all__ = [
    "Adam",
    "Record",
    "affine",
    "fixed_weights",
    "join_logits",
    "make_logits",
    "matmul",
    "product",
    "scan",
    "smoothed_cross_entropy",
    "split_batch",
    "tabulated",
    "take_beams",
    "take_rows",
]
