"""Corpora that the package can make itself, for demonstrations and tests; no tensorflow."""

from keras_seq2seq.data.corpora.writing import CORPORA, write_corpus

__all__ = ["CORPORA", "write_corpus"]
