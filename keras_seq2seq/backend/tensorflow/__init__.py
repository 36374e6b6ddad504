"""For TensorFlow."""

from keras_seq2seq.backend.tensorflow.scan import scan
from keras_seq2seq.backend.tensorflow.smoothed_cross_entropy import smoothed_cross_entropy

__all__ = ["scan", "smoothed_cross_entropy"]
