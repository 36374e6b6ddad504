"""Export of trained models, for use without this package's dependencies."""

from keras_seq2seq.export.directory import FORMATS, Agreement, export_translator

__all__ = ["FORMATS", "Agreement", "export_translator"]
