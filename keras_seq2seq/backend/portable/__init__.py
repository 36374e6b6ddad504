"""For any backend."""

from keras.optimizers import Adam

from keras_seq2seq.backend.portable.logits import make_logits, smoothed_cross_entropy
from keras_seq2seq.backend.portable.product import product
from keras_seq2seq.backend.portable.scan import scan

__all__ = ["Adam", "make_logits", "product", "scan", "smoothed_cross_entropy"]
