"""Synthetic corpora for demos and tests."""

from keras_seq2seq.data.corpora.writing import CORPORA, write_corpus

__all__ = ["CORPORA", "write_corpus"]
