"""Training a model from a configuration."""

from keras_seq2seq.training.averaging import average_checkpoints
from keras_seq2seq.training.checkpoints import Checkpoints
from keras_seq2seq.training.event_files import forget_events_after
from keras_seq2seq.training.plan import TrainingPlan, prepare
from keras_seq2seq.training.run import TrainingResult, train
from keras_seq2seq.training.workers import Workers

__all__ = [
    "Checkpoints",
    "TrainingPlan",
    "TrainingResult",
    "Workers",
    "average_checkpoints",
    "forget_events_after",
    "prepare",
    "train",
]
