"""The decay of Transformers."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls with the square root of the steps taken:

        rate * sqrt(start_decay_at / step)

    from `start_decay_at` to `stop_decay_at`, and is constant before and after. Inside `WarmUp`
    over as many steps it is the "Noam" schedule, with `learning_rate` as its peak.

    Args:
        learning_rate: Float, the rate before any decay.
        start_decay_at: Integer of at least 1, the step at which the decay starts.
        stop_decay_at: Integer, the step from which on the rate stays as it is.
        min_learning_rate: Float, the rate never decays below it.

    Reference:
        - Vaswani et al., 2017, "Attention Is All You Need", https://arxiv.org/abs/1706.03762,
          equation 3
    """

    def __init__(
        self, learning_rate, start_decay_at, stop_decay_at=1_000_000_000, min_learning_rate=0.0
    ):
        if start_decay_at < 1:
            raise ValueError(
                f"`start_decay_at` must be at least 1. Received: start_decay_at={start_decay_at}"
            )
        self.learning_rate = learning_rate
        self.start_decay_at = start_decay_at
        self.stop_decay_at = stop_decay_at
        self.min_learning_rate = min_learning_rate

    def __call__(self, step):
        step = ops.clip(ops.cast(step, "float32"), self.start_decay_at, self.stop_decay_at)
        rate = self.learning_rate * ops.sqrt(self.start_decay_at / step)
        return ops.maximum(rate, self.min_learning_rate)

    def get_config(self):
        return dict(vars(self))
