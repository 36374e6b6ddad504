"""Typed, validated configuration of a training run."""

from keras_seq2seq.config.config import Config
from keras_seq2seq.config.config_file import dump_config, load_config_file
from keras_seq2seq.config.decoding_options import DECODING_OPTIONS, override_decoding
from keras_seq2seq.config.describe import OptionDescription, describe_hparams
from keras_seq2seq.config.hparams_string import parse_hparams
from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.inference import Inference
from keras_seq2seq.config.resolve import resolve_config
from keras_seq2seq.config.rnn_cell import RnnCell

__all__ = [
    "DECODING_OPTIONS",
    "Config",
    "HyperParameters",
    "Inference",
    "OptionDescription",
    "RnnCell",
    "describe_hparams",
    "dump_config",
    "load_config_file",
    "override_decoding",
    "parse_hparams",
    "resolve_config",
]
