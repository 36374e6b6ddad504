"""For any backend."""

from keras.optimizers import Adam

from keras_seq2seq.backend.portable.product import product
from keras_seq2seq.backend.portable.scan import scan
from keras_seq2seq.backend.portable.smoothed_cross_entropy import smoothed_cross_entropy

__all__ = ["Adam", "product", "scan", "smoothed_cross_entropy"]
