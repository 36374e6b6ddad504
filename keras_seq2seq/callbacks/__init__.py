"""Keras callbacks for training."""

from keras_seq2seq.callbacks.early_stopping import EarlyStopping
from keras_seq2seq.callbacks.evaluation import Evaluation
from keras_seq2seq.callbacks.keep_own_weights import KeepOwnWeights
from keras_seq2seq.callbacks.progress_bar import ProgressBar
from keras_seq2seq.callbacks.save_checkpoints import SaveCheckpoints
from keras_seq2seq.callbacks.stop_on_interrupt import StopOnInterrupt
from keras_seq2seq.callbacks.stop_on_non_finite_loss import StopOnNonFiniteLoss
from keras_seq2seq.callbacks.tensor_board import TensorBoard

__all__ = [
    "EarlyStopping",
    "Evaluation",
    "KeepOwnWeights",
    "ProgressBar",
    "SaveCheckpoints",
    "StopOnInterrupt",
    "StopOnNonFiniteLoss",
    "TensorBoard",
]
