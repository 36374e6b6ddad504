"""Small models with large random weights, whose predictions are confident and varied.

The toy model ends its translations, and often predicts the unknown token.
"""

import numpy as np

from keras_seq2seq.config import Config
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import AttentionSeq2Seq
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID, UNKNOWN_ID
from keras_seq2seq.text import Vocabulary, WhitespaceTokenizer

SOURCE_TOKENS = ("ein", "mann", "schläft", "hund", ".")
TARGET_TOKENS = ("a", "man", "sleeps", "dog", "läuft", ".")

# Among them words that no vocabulary has.
SOURCES = [
    "ein mann schläft .",
    "hund",
    "mann hund mann hund mann ein ein . .",
    "ein Einhorn schläft",
    "schläft . hund .",
    "Einhorn",
]


def make_toy_model(seed=1, model_class=AttentionSeq2Seq, tokens=TARGET_TOKENS, **options):
    """Makes a model over `SOURCE_TOKENS` and `tokens`."""
    model = model_class(
        len(Vocabulary(SOURCE_TOKENS)), len(Vocabulary(tokens)), num_units=6, **options
    )
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 1, weights.shape) for weights in model.get_weights()])
    bias = model.output_layer.bias.numpy()
    bias[[PADDING_ID, START_ID]] = -50
    bias[UNKNOWN_ID] = 0.5
    bias[END_ID] = 1.0
    model.output_layer.bias.assign(bias)
    return model


def write_toy_model(path, seed=1, model_class=AttentionSeq2Seq):
    """Writes the directory of a model as training does."""
    directory = ModelDirectory(path)
    hparams = {
        "rnn_cell": {"num_units": 6},
        "embedding": {"dim": 6},
        "inference": {"max_decode_length": 8},
    }
    if model_class is AttentionSeq2Seq:
        hparams["attention"] = {"dim": 6}
    config = Config(model=model_class.__name__, hparams=hparams)
    source, target = (
        WhitespaceTokenizer(Vocabulary(tokens)) for tokens in (SOURCE_TOKENS, TARGET_TOKENS)
    )
    directory.create(config, source, target)
    directory.save_model(make_toy_model(seed, model_class))


def make_varied_model(size):
    """Makes a model with random weights that writes many different tokens."""
    model = AttentionSeq2Seq(size, size, num_units=8)
    random = np.random.default_rng(5)
    model.set_weights([random.normal(0, 1, weights.shape) for weights in model.get_weights()])
    bias = model.output_layer.bias.numpy()
    bias[[PADDING_ID, START_ID]] = -50
    bias[END_ID] = 2
    model.output_layer.bias.assign(bias)
    return model
