"""Compiling a planned model."""

from keras.optimizers.schedules import LearningRateSchedule

from keras_seq2seq.building.optimizer import make_learning_rate, make_optimizer
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.training.plan import TrainingPlan


def compile_model(plan: TrainingPlan) -> float | LearningRateSchedule:
    """Compiles the model, and returns its learning rate."""
    config, model = plan.config, plan.model
    with plan.workers.strategy.scope():
        learning_rate = make_learning_rate(config, plan.steps)
        optimizer = make_optimizer(config.hparams.optimizer, learning_rate)
        optimizer.build(model.trainable_variables)
        loss = MaskedCrossEntropy(label_smoothing=config.hparams.optimizer.label_smoothing)
        model.compile(optimizer, loss=loss)
    return learning_rate
