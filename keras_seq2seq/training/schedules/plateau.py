"""A learning rate that listens to the dev data."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class Plateau(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is cut each time a dev metric has not got better for a while.

    `observe` takes the records of `Evaluation`. What it has seen is in `state`, a variable, so
    that a checkpoint that holds it goes on exactly.

    Args:
        schedule: Float or `LearningRateSchedule`, the rate before any cut.
        factor: Float below 1, what the rate is multiplied by.
        patience: Integer, the evaluations in a row without a new best value after which it is.
        metric: String, the name of the metric in the records.
        lower_is_better: Boolean, whether a lower value of the metric is better.
        start_at: Integer, evaluations at earlier steps do not count.
        stop_at: Integer, from this step on the rate is not cut any more.
        min_learning_rate: Float, the rate is not cut below it.

    Attributes:
        state: Variable `(3,)`: the factor at present, the best value and the evaluations since.

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
        """Takes an evaluation: a dictionary with `step` and the metric."""
        if not self.start_at <= record["step"] < self.stop_at:
            return
        # As the variable holds it, so that an equal value is not taken for a better one.
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
        # A schedule that is lower by itself, in its warm-up, is not lifted.
        return ops.maximum(rate * self.state[0], ops.minimum(rate, self.min_learning_rate))

    def get_config(self):
        config = {name: value for name, value in vars(self).items() if name != "state"}
        return {**config, "schedule": keras.saving.serialize_keras_object(self.schedule)}

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})
