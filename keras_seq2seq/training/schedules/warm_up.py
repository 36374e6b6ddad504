"""A gentle start for any schedule."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_seq2seq")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to that of another schedule.

    The first step has `1 / warmup_steps` of the rate, the step `warmup_steps` and those after it
    all of it.

    Args:
        schedule: Float or `LearningRateSchedule`.
        warmup_steps: Integer of at least 1.

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
        # Steps count from 0.
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
