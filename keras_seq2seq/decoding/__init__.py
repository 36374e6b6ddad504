"""Decoding: greedy search, beam search and sampling with any function that predicts a token."""

from keras_seq2seq.beam_tree import BeamTree
from keras_seq2seq.decoding.beam_search import BeamSearch
from keras_seq2seq.decoding.search import Hypotheses, Search
from keras_seq2seq.decoding.stepwise import SEARCHES, GreedySearch, SamplingSearch, get_search

__all__ = [
    "SEARCHES",
    "BeamSearch",
    "BeamTree",
    "GreedySearch",
    "Hypotheses",
    "SamplingSearch",
    "Search",
    "get_search",
]
