"""Synthetic corpora for demos and tests, and the CMU Pronouncing Dictionary."""

from keras_seq2seq.data.corpora.pronunciations import CmudictSummary, write_cmudict
from keras_seq2seq.data.corpora.writing import CORPORA, write_corpus

__all__ = ["CORPORA", "CmudictSummary", "write_cmudict", "write_corpus"]
