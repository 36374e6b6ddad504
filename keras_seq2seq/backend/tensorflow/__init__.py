"""For TensorFlow."""

from keras_seq2seq.backend.tensorflow.adam import Adam
from keras_seq2seq.backend.tensorflow.product import product
from keras_seq2seq.backend.tensorflow.scan import scan
from keras_seq2seq.backend.tensorflow.smoothed_cross_entropy import smoothed_cross_entropy

__all__ = ["Adam", "product", "scan", "smoothed_cross_entropy"]
