"""The decays of google/seq2seq."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class DelayedDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that decays between two steps and never falls below a floor.

    With `t` the steps since `start_decay_at`, over `decay_steps`, rounded down if `staircase`:

        exponential_decay   rate * decay_rate ** t
        inverse_time_decay  rate / (1 + decay_rate * t)
        natural_exp_decay   rate * exp(-decay_rate * t)

    Args:
        learning_rate: Float, the rate before any decay.
        decay_type: String, one of the names above.
        decay_steps: Integer, the steps in which `decay_rate` applies once.
        decay_rate: Float.
        start_decay_at: Integer, the step at which the decay starts.
        stop_decay_at: Integer, the step from which on the rate stays as it is.
        min_learning_rate: Float, the rate never decays below it.
        staircase: Boolean, whether to decay in jumps every `decay_steps`.

    Reference:
        - google/seq2seq, the options `optimizer.lr_*`
    """

    def __init__(
        self,
        learning_rate,
        decay_type,
        decay_steps=100,
        decay_rate=0.99,
        start_decay_at=0,
        stop_decay_at=1_000_000_000,
        min_learning_rate=1e-12,
        staircase=False,
    ):
        self.learning_rate = learning_rate
        self.decay_type = decay_type
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.start_decay_at = start_decay_at
        self.stop_decay_at = stop_decay_at
        self.min_learning_rate = min_learning_rate
        self.staircase = staircase

    def __call__(self, step):
        step = ops.cast(step, "float32")
        time = ops.clip(step, self.start_decay_at, self.stop_decay_at) - self.start_decay_at
        time = time / self.decay_steps
        time = ops.floor(time) if self.staircase else time
        if self.decay_type == "exponential_decay":
            factor = ops.power(self.decay_rate, time)
        elif self.decay_type == "inverse_time_decay":
            factor = 1.0 / (1.0 + self.decay_rate * time)
        elif self.decay_type == "natural_exp_decay":
            factor = ops.exp(-self.decay_rate * time)
        else:
            raise ValueError(f"Unknown decay. Received: decay_type={self.decay_type!r}")
        return ops.maximum(self.learning_rate * factor, self.min_learning_rate)

    def get_config(self):
        return dict(vars(self))
