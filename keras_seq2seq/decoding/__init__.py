"""Searching for the best target, given a function that predicts the next token."""

from keras_seq2seq.decoding.beam_history import BeamTree
from keras_seq2seq.decoding.beam_search import BeamSearch
from keras_seq2seq.decoding.greedy_search import GreedySearch
from keras_seq2seq.decoding.hypotheses import Hypotheses
from keras_seq2seq.decoding.sampling_search import SamplingSearch
from keras_seq2seq.decoding.search import Search

__all__ = ["BeamSearch", "BeamTree", "GreedySearch", "Hypotheses", "SamplingSearch", "Search"]
