"""From a configuration to the components it describes."""

from keras_seq2seq.building.batching import make_batching
from keras_seq2seq.building.model import build_model
from keras_seq2seq.building.optimizer import make_learning_rate, make_optimizer
from keras_seq2seq.building.search import make_search

__all__ = ["build_model", "make_batching", "make_learning_rate", "make_optimizer", "make_search"]
