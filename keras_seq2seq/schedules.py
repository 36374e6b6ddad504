"""Learning rate schedules."""

import math

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate schedule that increases linearly up to another schedule.

    The rate is multiplied by `1 / warmup_steps` in the first step, and by 1 from step
    `warmup_steps` on.

    Args:
        schedule: Float or `LearningRateSchedule`, the rate after the warm-up.
        warmup_steps: Integer, at least 1, the number of warm-up steps.

    Example:
        >>> noam = WarmUp(InverseSquareRoot(1e-3, start_decay_at=4000), warmup_steps=4000)
        >>> model.compile(keras.optimizers.Adam(noam), loss=MaskedCrossEntropy())
    """

    def __init__(self, schedule, warmup_steps):
        if warmup_steps < 1:
            raise ValueError(
                f"`warmup_steps` must be at least 1. Received: warmup_steps={warmup_steps}"
            )
        self.schedule = schedule
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        rate = self.schedule(step) if callable(self.schedule) else self.schedule
        # Steps start at 0.
        share = (ops.cast(step, "float32") + 1.0) / self.warmup_steps
        return rate * ops.minimum(share, 1.0)

    def get_config(self):
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "warmup_steps": self.warmup_steps,
        }

    @classmethod
    def from_config(cls, config):
        return cls(
            keras.saving.deserialize_keras_object(config["schedule"]), config["warmup_steps"]
        )


@keras.saving.register_keras_serializable("keras_seq2seq")
class CosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate schedule that decreases along half a cosine between two steps.

    With `t` from 0 at `start_decay_at` to 1 at `stop_decay_at`:

        min_rate + (rate - min_rate) * (1 + cos(pi * t)) / 2

    Args:
        learning_rate: Float, the rate before any decay.
        start_decay_at: Integer, the step at which the decay starts.
        stop_decay_at: Integer, the step at which `min_learning_rate` is reached.
        min_learning_rate: Float, the rate after the decay.

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


@keras.saving.register_keras_serializable("keras_seq2seq")
class DelayedDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate schedule that decays between two steps, down to a minimum.

    With `t = (step - start_decay_at) / decay_steps`, rounded down if `staircase=True`:

        exponential_decay   rate * decay_rate ** t
        inverse_time_decay  rate / (1 + decay_rate * t)
        natural_exp_decay   rate * exp(-decay_rate * t)

    Args:
        learning_rate: Float, the rate before any decay.
        decay_type: String, one of the names above.
        decay_steps: Integer, the number of steps of one decay by `decay_rate`.
        decay_rate: Float.
        start_decay_at: Integer, the step at which the decay starts.
        stop_decay_at: Integer, the step from which the rate is constant.
        min_learning_rate: Float, the minimum rate.
        staircase: Boolean, whether to decay in discrete steps, every `decay_steps`.

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


@keras.saving.register_keras_serializable("keras_seq2seq")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate schedule that decreases with the square root of the step.

    The rate is

        rate * sqrt(start_decay_at / step)

    from `start_decay_at` to `stop_decay_at`, and constant before and after. Within a `WarmUp` of
    `start_decay_at` steps it is the "Noam" schedule, with `learning_rate` as its peak.

    Args:
        learning_rate: Float, the rate before any decay.
        start_decay_at: Integer, at least 1, the step at which the decay starts.
        stop_decay_at: Integer, the step from which the rate is constant.
        min_learning_rate: Float, the minimum rate.

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


@keras.saving.register_keras_serializable("keras_seq2seq")
class Plateau(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate schedule that reduces the rate when a dev metric has stopped improving.

    `observe` must be called with the records of `Evaluation`. The `state` is a variable, so it is
    saved in checkpoints and restored exactly.

    Args:
        schedule: Float or `LearningRateSchedule`, the rate before any reduction.
        factor: Float below 1, the factor of each reduction.
        patience: Integer, the number of evaluations without improvement before a reduction.
        metric: String, the name of the metric in the records.
        lower_is_better: Boolean, whether a lower value of the metric is better.
        start_at: Integer, evaluations before this step are ignored.
        stop_at: Integer, the step from which the rate is not reduced any further.
        min_learning_rate: Float, the minimum rate of reductions.

    Attributes:
        state: Variable of shape `(3,)`: the current factor, the best value, and the number of
            evaluations since then.

    Example:
        >>> schedule = Plateau(1e-3, factor=0.5, patience=2)
        >>> model.compile(keras.optimizers.Adam(schedule), loss=MaskedCrossEntropy())
        >>> model.fit(train, callbacks=[Evaluation(dev, observers=[schedule.observe])])
    """

    def __init__(
        self,
        schedule,
        factor=0.5,
        patience=3,
        metric="dev_loss",
        lower_is_better=True,
        start_at=0,
        stop_at=1_000_000_000,
        min_learning_rate=0.0,
    ):
        if not 0 < factor < 1:
            raise ValueError(f"`factor` must be above 0 and below 1. Received: factor={factor}")
        self.schedule = schedule
        self.factor = factor
        self.patience = patience
        self.metric = metric
        self.lower_is_better = lower_is_better
        self.start_at = start_at
        self.stop_at = stop_at
        self.min_learning_rate = min_learning_rate
        self.state = keras.Variable(
            [1.0, float("inf"), 0.0],
            dtype="float32",
            trainable=False,
            aggregation="only_first_replica",
            name="plateau",
        )

    def observe(self, record):
        """Updates the state with an evaluation, a dictionary with `step` and the metric."""
        if not self.start_at <= record["step"] < self.stop_at:
            return
        # In the precision of the variable, so that an equal value does not count as better.
        value = np.float32(record[self.metric])
        value = value if self.lower_is_better else -value
        factor, best, waited = ops.convert_to_numpy(self.state)
        if value < best:
            best, waited = value, 0
        else:
            waited += 1
        if waited >= self.patience:
            factor, waited = factor * self.factor, 0
        self.state.assign([factor, best, waited])

    def __call__(self, step):
        rate = self.schedule(step) if callable(self.schedule) else self.schedule
        # A rate that is lower already, as in a warm-up, is not raised to the minimum.
        return ops.maximum(rate * self.state[0], ops.minimum(rate, self.min_learning_rate))

    def get_config(self):
        config = {name: value for name, value in vars(self).items() if name != "state"}
        return {**config, "schedule": keras.saving.serialize_keras_object(self.schedule)}

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})
