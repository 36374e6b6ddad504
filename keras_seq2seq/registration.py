"""Registration of the package's classes with Keras, without importing them or Keras.

`keras.models.load_model` finds the classes of other packages by the names under which they are
registered, and they are registered when their modules are imported. This package imports its
modules on first use. It therefore registers stand-ins that import a class when Keras asks for it:
at once if Keras has been imported, or else as soon as it is.
"""

import sys
from importlib import import_module

_PACKAGE = "keras_seq2seq"

# The registered classes, by module. A test compares them with what the modules register.
CLASSES = {
    "backend": ("FusedAdam",),
    "decoding.beam_search": ("BeamSearch",),
    "decoding.stepwise": ("GreedySearch", "SamplingSearch"),
    "layers.attention": ("BahdanauAttention", "DotAttention"),
    "layers.attention_decoder": ("AttentionDecoder",),
    "layers.bridge": ("DenseBridge", "PassThroughBridge", "ZeroBridge"),
    "layers.cells": ("GRUCell", "LSTMCell", "StackedCells"),
    "layers.decoder": ("BasicDecoder",),
    "layers.embedding": ("Logits", "ScaledEmbedding", "TiedLogits", "WordDropout"),
    "layers.encoder": ("BidirectionalEncoder", "UnidirectionalEncoder"),
    "layers.recurrent_layer": ("KerasCell", "RecurrentLayer"),
    "losses": ("FunctionLoss", "MaskedCrossEntropy"),
    "models.attention_seq2seq": ("AttentionSeq2Seq", "BasicSeq2Seq"),
    "models.metrics": ("MaskedMetric",),
    "models.minimum_risk": ("MinimumRisk",),
    "models.seq2seq": ("Seq2Seq",),
    "models.scheduled_sampling": ("TeacherForcing",),
    "schedules": ("CosineDecay", "DelayedDecay", "InverseSquareRoot", "Plateau", "WarmUp"),
}

# The names under which earlier versions saved classes that have been renamed.
_RENAMED = {"Adam": ("backend", "FusedAdam")}


class LazyClass:
    """Stands in for a registered class until its module is imported.

    Args:
        module: The name of the module, without that of the package.
        name: The name of the class.
    """

    def __init__(self, module: str, name: str):
        self.module = module
        self.name = name

    def from_config(self, config, **kwargs):
        """Creates an object of the class from its config, as Keras does on loading."""
        return self.load().from_config(config, **kwargs)

    def load(self) -> type:
        """Imports the class."""
        return getattr(import_module(f"{_PACKAGE}.{self.module}"), self.name)


def register_with_keras():
    """Registers the classes with Keras, now or when Keras is imported."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _WhenKerasIsImported())


def _register(keras):
    registered = keras.saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names:
            registered.setdefault(f"{_PACKAGE}>{name}", LazyClass(module, name))
    for old_name, (module, name) in _RENAMED.items():
        registered[f"{_PACKAGE}>{old_name}"] = LazyClass(module, name)


class _WhenKerasIsImported:
    """A finder of modules that leaves `keras` to the other finders, and registers afterwards."""

    def find_spec(self, name, path=None, target=None):
        """Returns the spec of `keras`, with a loader that registers the classes after loading."""
        if name != "keras":
            return None
        # TensorFlow looks for the spec before it imports Keras, so this finder is still needed
        # after it has found one.
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_register(module):
            load(module)
            _register(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        spec.loader.exec_module = load_and_register
        return spec
