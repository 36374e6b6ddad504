"""Keras callbacks for training."""

from keras_seq2seq.callbacks.checkpoints import RestoreRawWeights, SaveCheckpoints
from keras_seq2seq.callbacks.evaluation import Evaluation, SampleTranslations
from keras_seq2seq.callbacks.progress_bar import ProgressBar
from keras_seq2seq.callbacks.stopping import EarlyStopping, StopOnInterrupt, StopOnNonFiniteLoss
from keras_seq2seq.callbacks.tensorboard import (
    EmbeddingProjector,
    ProfileSteps,
    RunDescription,
    TensorBoard,
    TrackGradientNorm,
)

__all__ = [
    "EarlyStopping",
    "EmbeddingProjector",
    "Evaluation",
    "RestoreRawWeights",
    "ProfileSteps",
    "ProgressBar",
    "RunDescription",
    "SampleTranslations",
    "SaveCheckpoints",
    "StopOnInterrupt",
    "StopOnNonFiniteLoss",
    "TensorBoard",
    "TrackGradientNorm",
]
