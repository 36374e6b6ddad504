"""Keras callbacks for training."""

from keras_seq2seq.callbacks.early_stopping import EarlyStopping
from keras_seq2seq.callbacks.embedding_projector import EmbeddingProjector
from keras_seq2seq.callbacks.evaluation import Evaluation
from keras_seq2seq.callbacks.keep_own_weights import KeepOwnWeights
from keras_seq2seq.callbacks.profile_steps import ProfileSteps
from keras_seq2seq.callbacks.progress_bar import ProgressBar
from keras_seq2seq.callbacks.run_description import RunDescription
from keras_seq2seq.callbacks.sample_translations import SampleTranslations
from keras_seq2seq.callbacks.save_checkpoints import SaveCheckpoints
from keras_seq2seq.callbacks.stop_on_interrupt import StopOnInterrupt
from keras_seq2seq.callbacks.stop_on_non_finite_loss import StopOnNonFiniteLoss
from keras_seq2seq.callbacks.tensor_board import TensorBoard
from keras_seq2seq.callbacks.track_gradient_norm import TrackGradientNorm

__all__ = [
    "EarlyStopping",
    "EmbeddingProjector",
    "Evaluation",
    "KeepOwnWeights",
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
