"""Training of a model from a configuration."""

from keras_seq2seq.training.averaging import average_checkpoints
from keras_seq2seq.training.checkpoints import Checkpoints
from keras_seq2seq.training.model_evaluation import evaluate_models, translate_and_score
from keras_seq2seq.training.plan import TrainingPlan, plan_training, prepare
from keras_seq2seq.training.records import forget_events_after
from keras_seq2seq.training.run import TrainingResult, train
from keras_seq2seq.training.workers import Workers

__all__ = [
    "Checkpoints",
    "TrainingPlan",
    "TrainingResult",
    "Workers",
    "average_checkpoints",
    "evaluate_models",
    "forget_events_after",
    "plan_training",
    "prepare",
    "train",
    "translate_and_score",
]
