"""Creation of components from a configuration."""

from keras_seq2seq.building.data import build_text_encoders, build_tokenizers, make_batching
from keras_seq2seq.building.description import describe
from keras_seq2seq.building.model import (
    build_model,
    make_learning_rate,
    make_optimizer,
    make_search,
)

__all__ = [
    "build_model",
    "build_text_encoders",
    "build_tokenizers",
    "describe",
    "make_batching",
    "make_learning_rate",
    "make_optimizer",
    "make_search",
]
