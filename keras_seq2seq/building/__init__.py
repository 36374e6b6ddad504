"""Creation of components from a configuration."""

from keras_seq2seq.building.batching import make_batching
from keras_seq2seq.building.model import build_model
from keras_seq2seq.building.optimizer import make_learning_rate, make_optimizer
from keras_seq2seq.building.search import make_search
from keras_seq2seq.building.text import build_text_encoders, build_tokenizers

__all__ = [
    "build_model",
    "build_text_encoders",
    "build_tokenizers",
    "make_batching",
    "make_learning_rate",
    "make_optimizer",
    "make_search",
]
