"""Recurrent encoder-decoders with attention for sequence-to-sequence tasks.

Names are imported on first use, so that `import keras_seq2seq` and `--help` on the command line do
not wait for TensorFlow.
"""

from importlib import import_module

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
    "CharacterTokenizer": "text",
    "Config": "config",
    "DotAttention": "layers",
    "Ensemble": "models",
    "GreedySearch": "decoding",
    "MaskedCrossEntropy": "losses",
    "SamplingSearch": "decoding",
    "Scorer": "translator",
    "TextEncoder": "text",
    "Translator": "translator",
    "UnkReplacement": "translator",
    "UnidirectionalEncoder": "layers",
    "Vocabulary": "text",
    "WhitespaceTokenizer": "text",
    "average_checkpoints": "training",
    "configure_tensorflow": "tensorflow_settings",
    "evaluate": "evaluation",
    "make_dataset": "data",
    "plan_training": "training",
    "prepare": "training",
    "split_pairs": "data",
    "train": "training",
}

__all__ = [*_MODULE_OF, "__version__"]


# So that `keras.models.load_model` finds the classes of this package once it is imported.
register_with_keras()


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
