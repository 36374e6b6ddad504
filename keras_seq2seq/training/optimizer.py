"""From a configuration to an optimizer."""

import keras

from keras_seq2seq.backend import Adam
from keras_seq2seq.config import HyperParameters
from keras_seq2seq.training.learning_rate import DelayedDecay


def make_optimizer(hparams: HyperParameters) -> keras.optimizers.Optimizer:
    """Returns the optimizer, with its learning rate and its clipping."""
    options = hparams.optimizer
    learning_rate = options.learning_rate
    if options.lr_decay_type is not None:
        learning_rate = DelayedDecay(
            learning_rate,
            options.lr_decay_type,
            decay_steps=options.lr_decay_steps,
            decay_rate=options.lr_decay_rate,
            start_decay_at=options.lr_start_decay_at,
            stop_decay_at=options.lr_stop_decay_at,
            min_learning_rate=options.lr_min_learning_rate,
            staircase=options.lr_staircase,
        )
    optimizer = Adam if options.name == "Adam" else getattr(keras.optimizers, options.name)
    return optimizer(learning_rate=learning_rate, global_clipnorm=options.clip_gradients or None)
