"""For any backend."""

from keras_seq2seq.backend.portable.scan import scan
from keras_seq2seq.backend.portable.smoothed_cross_entropy import smoothed_cross_entropy

__all__ = ["scan", "smoothed_cross_entropy"]
