"""For TensorFlow."""

from keras_seq2seq.backend.tensorflow.adam import Adam
from keras_seq2seq.backend.tensorflow.logits import make_logits, smoothed_cross_entropy
from keras_seq2seq.backend.tensorflow.product import product
from keras_seq2seq.backend.tensorflow.scan import scan

__all__ = ["Adam", "make_logits", "product", "scan", "smoothed_cross_entropy"]
