"""The decay along half a cosine."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class CosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls along half a cosine between two steps.

    With `t` from 0 at `start_decay_at` to 1 at `stop_decay_at`:

        min_rate + (rate - min_rate) * (1 + cos(pi * t)) / 2

    Args:
        learning_rate: Float, the rate before any decay.
        start_decay_at: Integer, the step at which the decay starts.
        stop_decay_at: Integer, the step at which the lowest rate is reached.
        min_learning_rate: Float, that lowest rate.

    Reference:
        - Loshchilov and Hutter, 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts",
          https://arxiv.org/abs/1608.03983, equation 5, without restarts
    """

    def __init__(self, learning_rate, start_decay_at, stop_decay_at, min_learning_rate=0.0):
        if start_decay_at >= stop_decay_at:
            raise ValueError(
                "`start_decay_at` must be before `stop_decay_at`. Received: "
                f"start_decay_at={start_decay_at}, stop_decay_at={stop_decay_at}"
            )
        self.learning_rate = learning_rate
        self.start_decay_at = start_decay_at
        self.stop_decay_at = stop_decay_at
        self.min_learning_rate = min_learning_rate

    def __call__(self, step):
        step = ops.clip(ops.cast(step, "float32"), self.start_decay_at, self.stop_decay_at)
        time = (step - self.start_decay_at) / (self.stop_decay_at - self.start_decay_at)
        share = (1.0 + ops.cos(math.pi * time)) / 2.0
        return self.min_learning_rate + (self.learning_rate - self.min_learning_rate) * share

    def get_config(self):
        return dict(vars(self))
