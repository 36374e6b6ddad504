"""Searching for the best target, given a function that predicts the next token."""

from keras_seq2seq.decoding.beam_history import BeamTree
from keras_seq2seq.decoding.beam_search import BeamSearch
from keras_seq2seq.decoding.search import Hypotheses, Search
from keras_seq2seq.decoding.stepwise import GreedySearch, SamplingSearch

__all__ = ["BeamSearch", "BeamTree", "GreedySearch", "Hypotheses", "SamplingSearch", "Search"]
