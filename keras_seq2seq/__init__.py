"""Recurrent encoder-decoders with attention for sequence-to-sequence tasks.

Names are imported on first use, so that `import keras_seq2seq` and `--help` on the command line do
not wait for TensorFlow.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from keras_seq2seq.registration import register_with_keras

__version__ = "0.1.0"

_MODULE_OF = {
    "AttentionDecoder": "layers",
    "AttentionSeq2Seq": "models",
    "BahdanauAttention": "layers",
    "BasicDecoder": "layers",
    "BasicSeq2Seq": "models",
    "BeamSearch": "decoding",
    "BidirectionalEncoder": "layers",
    "ByteTokenizer": "text",
    "CharacterTokenizer": "text",
    "Config": "config",
    "DotAttention": "layers",
    "Ensemble": "models",
    "FusedAdam": "backend",
    "GreedySearch": "decoding",
    "Hypotheses": "decoding",
    "MaskedCrossEntropy": "losses",
    "SamplingSearch": "decoding",
    "Scorer": "translator",
    "Search": "decoding",
    "SentencePieceTokenizer": "text",
    "TextEncoder": "text",
    "Tokenizer": "text",
    "Translator": "translator",
    "UnidirectionalEncoder": "layers",
    "UnkReplacement": "translator",
    "Vocabulary": "text",
    "WhitespaceTokenizer": "text",
    "WordTokenizer": "text",
    "average_checkpoints": "training",
    "configure_tensorflow": "tensorflow_settings",
    "make_dataset": "data",
    "prepare_records": "data",
    "split_pairs": "data",
}

_PACKAGES = (
    "callbacks",
    "data",
    "decoding",
    "evaluation",
    "layers",
    "losses",
    "models",
    "plots",
    "schedules",
    "text",
    "training",
    "translator",
)

# Names of version 0.1 that are now in a package only.
_MOVED = {
    "evaluate": "evaluation.evaluate",
    "plan_training": "training.plan_training",
    "prepare": "training.plan_training",
    "train": "training.train",
}

__all__ = [*_MODULE_OF, *_PACKAGES, "__version__"]

# So that `keras.models.load_model` finds the classes of this package once it is imported.
register_with_keras()

if TYPE_CHECKING:
    # The same names for editors and type checkers, which do not run `__getattr__`.
    from keras_seq2seq import callbacks as callbacks
    from keras_seq2seq import data as data
    from keras_seq2seq import decoding as decoding
    from keras_seq2seq import evaluation as evaluation
    from keras_seq2seq import layers as layers
    from keras_seq2seq import losses as losses
    from keras_seq2seq import models as models
    from keras_seq2seq import plots as plots
    from keras_seq2seq import schedules as schedules
    from keras_seq2seq import text as text
    from keras_seq2seq import training as training
    from keras_seq2seq import translator as translator
    from keras_seq2seq.backend import FusedAdam as FusedAdam
    from keras_seq2seq.config import Config as Config
    from keras_seq2seq.data import make_dataset as make_dataset
    from keras_seq2seq.data import prepare_records as prepare_records
    from keras_seq2seq.data import split_pairs as split_pairs
    from keras_seq2seq.decoding import BeamSearch as BeamSearch
    from keras_seq2seq.decoding import GreedySearch as GreedySearch
    from keras_seq2seq.decoding import Hypotheses as Hypotheses
    from keras_seq2seq.decoding import SamplingSearch as SamplingSearch
    from keras_seq2seq.decoding import Search as Search
    from keras_seq2seq.layers import AttentionDecoder as AttentionDecoder
    from keras_seq2seq.layers import BahdanauAttention as BahdanauAttention
    from keras_seq2seq.layers import BasicDecoder as BasicDecoder
    from keras_seq2seq.layers import BidirectionalEncoder as BidirectionalEncoder
    from keras_seq2seq.layers import DotAttention as DotAttention
    from keras_seq2seq.layers import UnidirectionalEncoder as UnidirectionalEncoder
    from keras_seq2seq.losses import MaskedCrossEntropy as MaskedCrossEntropy
    from keras_seq2seq.models import AttentionSeq2Seq as AttentionSeq2Seq
    from keras_seq2seq.models import BasicSeq2Seq as BasicSeq2Seq
    from keras_seq2seq.models import Ensemble as Ensemble
    from keras_seq2seq.tensorflow_settings import configure_tensorflow as configure_tensorflow
    from keras_seq2seq.text import ByteTokenizer as ByteTokenizer
    from keras_seq2seq.text import CharacterTokenizer as CharacterTokenizer
    from keras_seq2seq.text import SentencePieceTokenizer as SentencePieceTokenizer
    from keras_seq2seq.text import TextEncoder as TextEncoder
    from keras_seq2seq.text import Tokenizer as Tokenizer
    from keras_seq2seq.text import Vocabulary as Vocabulary
    from keras_seq2seq.text import WhitespaceTokenizer as WhitespaceTokenizer
    from keras_seq2seq.text import WordTokenizer as WordTokenizer
    from keras_seq2seq.training import average_checkpoints as average_checkpoints
    from keras_seq2seq.translator import Scorer as Scorer
    from keras_seq2seq.translator import Translator as Translator
    from keras_seq2seq.translator import UnkReplacement as UnkReplacement

else:

    def __getattr__(name: str):
        if name in _MOVED:
            new_name = f"{__name__}.{_MOVED[name]}"
            warnings.warn(
                f"{__name__}.{name} is deprecated; use {new_name}", DeprecationWarning, stacklevel=2
            )
            module, _, attribute = new_name.rpartition(".")
            return getattr(import_module(module), attribute)
        if name in _PACKAGES:
            return import_module(f"{__name__}.{name}")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
