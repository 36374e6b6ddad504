"""Running exported models with LiteRT, without Keras and TensorFlow."""

from keras_seq2seq.runtime.exported_model import ExportedModel, Options
from keras_seq2seq.runtime.translator import Translator

__all__ = ["ExportedModel", "Options", "Translator"]
