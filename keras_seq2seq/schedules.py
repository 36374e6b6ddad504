"""Learning rate schedules."""

import math

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, followed by another schedule.

    The learning rate of step `n`, counted from 1, is the rate of the other schedule multiplied by

        min(n / warmup_steps, 1)

    Args:
        schedule: Float or `LearningRateSchedule`, the learning rate without warm-up.
        warmup_steps: Integer, the number of warm-up steps, at least 1.

    Raises:
        ValueError: If `warmup_steps` is less than 1.

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
        # The optimizer counts steps from 0.
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
    """Cosine decay of the learning rate between two steps.

    With `t` increasing linearly from 0 at `start_decay_at` to 1 at `stop_decay_at`, the rate is

        min_learning_rate + (learning_rate - min_learning_rate) * (1 + cos(pi * t)) / 2

    Args:
        learning_rate: Float, the initial learning rate.
        start_decay_at: Integer, the step at which the decay starts.
        stop_decay_at: Integer, the step at which the decay ends.
        min_learning_rate: Float, the final learning rate.

    Raises:
        ValueError: If `start_decay_at` is not less than `stop_decay_at`.

    Example:
        >>> schedule = CosineDecay(1e-3, start_decay_at=1_000, stop_decay_at=10_000)
        >>> model.compile(keras.optimizers.Adam(schedule))

    Reference:
        - Loshchilov and Hutter, 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts",
          https://arxiv.org/abs/1608.03983, equation 5 (without restarts)
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
    """Exponential or inverse time decay of the learning rate between two steps.

    With `t = (step - start_decay_at) / decay_steps`, rounded down if `staircase`, the rate is

        exponential_decay   learning_rate * decay_rate ** t
        inverse_time_decay  learning_rate / (1 + decay_rate * t)
        natural_exp_decay   learning_rate * exp(-decay_rate * t)

    but at least `min_learning_rate`.

    Args:
        learning_rate: Float, the initial learning rate.
        decay_type: String, one of the names above.
        decay_steps: Integer, the number of steps over which `decay_rate` applies once.
        decay_rate: Float, the decay rate.
        start_decay_at: Integer, the step at which the decay starts.
        stop_decay_at: Integer, the step at which the decay ends; the rate is constant afterwards.
        min_learning_rate: Float, the minimum learning rate.
        staircase: Boolean, whether to decay in discrete steps.

    Raises:
        ValueError: If `decay_type` is unknown, when the schedule is called.

    Example:
        >>> schedule = DelayedDecay(1e-3, "exponential_decay", start_decay_at=5_000)
        >>> model.compile(keras.optimizers.Adam(schedule))

    Reference:
        - google/seq2seq, options `optimizer.lr_*`
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
            raise ValueError(
                "`decay_type` must be exponential_decay, inverse_time_decay or natural_exp_decay. "
                f"Received: decay_type={self.decay_type!r}"
            )
        return ops.maximum(self.learning_rate * factor, self.min_learning_rate)

    def get_config(self):
        return dict(vars(self))


@keras.saving.register_keras_serializable("keras_seq2seq")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """Decay of the learning rate with the inverse square root of the step.

    From `start_decay_at` to `stop_decay_at`, the rate is

        learning_rate * sqrt(start_decay_at / step)

    but at least `min_learning_rate`. It is constant before and after. With a `WarmUp` of
    `start_decay_at` steps, this is the "Noam" schedule with the peak `learning_rate`.

    Args:
        learning_rate: Float, the initial learning rate.
        start_decay_at: Integer, the step at which the decay starts, at least 1.
        stop_decay_at: Integer, the step at which the decay ends.
        min_learning_rate: Float, the minimum learning rate.

    Raises:
        ValueError: If `start_decay_at` is less than 1.

    Example:
        >>> schedule = WarmUp(InverseSquareRoot(1e-3, start_decay_at=4_000), warmup_steps=4_000)
        >>> model.compile(keras.optimizers.Adam(schedule))

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
    """Reduces the learning rate when a dev metric has stopped improving.

    `observe` receives the records of `Evaluation`. The state is part of the config, so that a
    compiled model that was saved and loaded continues with it, and `Checkpoints` contain it. On
    JAX, the reductions have no effect, since a compiled step reads the state only when it is
    traced.

    Args:
        schedule: Float or `LearningRateSchedule`, the learning rate without reductions.
        factor: Float in (0, 1), by which the rate is multiplied at each reduction.
        patience: Integer, the number of consecutive evaluations without a new best value after
            which the rate is reduced.
        metric: String, the name of the metric in the evaluation records.
        lower_is_better: Boolean, whether lower values of the metric are better.
        start_at: Integer, the step before which evaluations are ignored.
        stop_at: Integer, the step from which evaluations are ignored.
        min_learning_rate: Float, the learning rate below which the rate is not reduced.

    Attributes:
        state: Variable `(3,)` with the current factor, the best value, and the number of
            evaluations without improvement since the best value or the last reduction.

    Raises:
        ValueError: If `factor` is out of range.

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
        """Updates the state with an evaluation.

        Args:
            record: Dictionary with `step` and the metric.
        """
        if not self.start_at <= record["step"] < self.stop_at:
            return
        # Rounded like the variable, so that an equal value does not count as an improvement.
        value = np.float32(record[self.metric])
        value = value if self.lower_is_better else -value
        factor, best, evaluations_since = ops.convert_to_numpy(self.state)
        if value < best:
            best, evaluations_since = value, 0
        else:
            evaluations_since += 1
        if evaluations_since >= self.patience:
            factor, evaluations_since = factor * self.factor, 0
        self.state.assign([factor, best, evaluations_since])

    def __call__(self, step):
        rate = self.schedule(step) if callable(self.schedule) else self.schedule
        # The minimum does not raise a lower rate of the schedule itself, such as during warm-up.
        return ops.maximum(rate * self.state[0], ops.minimum(rate, self.min_learning_rate))

    def get_config(self):
        config = {name: value for name, value in vars(self).items() if name != "state"}
        return {
            **config,
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "state": ops.convert_to_numpy(self.state).tolist(),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        # Files of earlier versions do not contain it.
        state = config.pop("state", None)
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        plateau = cls(**{**config, "schedule": schedule})
        if state is not None:
            plateau.state.assign(state)
        return plateau
