"""Export of trained models, for use without this package's dependencies."""

from keras_seq2seq.export.card import Agreement, describe_model
from keras_seq2seq.export.directory import FORMATS, export_translator

__all__ = ["FORMATS", "Agreement", "describe_model", "export_translator"]
