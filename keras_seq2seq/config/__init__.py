"""Typed, validated configuration of a training run."""

from keras_seq2seq.config.config import Config
from keras_seq2seq.config.config_file import dump_config, load_config_file, parse_hparams
from keras_seq2seq.config.hyper_parameters import HyperParameters, RnnCell
from keras_seq2seq.config.inference import Inference
from keras_seq2seq.config.resolve import (
    DECODING_OPTIONS,
    OptionDescription,
    describe_hparams,
    override_decoding,
    resolve_config,
)

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
