"""Keras callbacks for training."""

import warnings

from keras_seq2seq.callbacks.console import ProgressBar, error_console, print_line
from keras_seq2seq.callbacks.evaluation import Evaluation, SampleTranslations
from keras_seq2seq.callbacks.run_control import (
    RestoreRawWeights,
    SaveCheckpoints,
    StopOnInterrupt,
    StopOnNonFiniteLoss,
    StopWithoutImprovement,
    interrupted_by_signals,
    interrupts_deferred,
)
from keras_seq2seq.callbacks.tensorboard import (
    EmbeddingProjector,
    ProfileSteps,
    RunDescription,
    TensorBoardCurves,
    TrackGradientNorm,
)

__all__ = [
    "EmbeddingProjector",
    "Evaluation",
    "ProfileSteps",
    "ProgressBar",
    "RestoreRawWeights",
    "RunDescription",
    "SampleTranslations",
    "SaveCheckpoints",
    "StopOnInterrupt",
    "StopOnNonFiniteLoss",
    "StopWithoutImprovement",
    "TensorBoardCurves",
    "TrackGradientNorm",
    "error_console",
    "interrupted_by_signals",
    "interrupts_deferred",
    "print_line",
]

_RENAMED = {
    "EarlyStopping": StopWithoutImprovement,
    "KeepOwnWeights": RestoreRawWeights,
    "TensorBoard": TensorBoardCurves,
}


def __getattr__(name: str):
    if name not in _RENAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    renamed = _RENAMED[name]
    warnings.warn(
        f"{__name__}.{name} is deprecated; use {renamed.__name__}", DeprecationWarning, stacklevel=2
    )
    return renamed
