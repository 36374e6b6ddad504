"""Training a model from a configuration."""

from keras_seq2seq.training.averaging import average_checkpoints
from keras_seq2seq.training.plan import TrainingPlan, prepare
from keras_seq2seq.training.run import TrainingResult, train

__all__ = ["TrainingPlan", "TrainingResult", "average_checkpoints", "prepare", "train"]
