"""For any backend."""

from keras.optimizers import Adam

from keras_seq2seq.backend.portable.constants import fixed_weights, tabulated
from keras_seq2seq.backend.portable.logits import join_logits, make_logits, smoothed_cross_entropy
from keras_seq2seq.backend.portable.parts import split_batch
from keras_seq2seq.backend.portable.product import affine, matmul, product
from keras_seq2seq.backend.portable.record import Record
from keras_seq2seq.backend.portable.scan import scan
from keras_seq2seq.backend.portable.take import take_beams, take_rows

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
