"""Scheduled sampling: training on the model's own predictions."""

import keras
from keras import ops


def steps_taken(optimizer):
    """Returns the number of batches that an optimizer has seen, an integer variable.

    `optimizer.iterations` are the updates of the weights, of which there are fewer where the
    gradients of several steps are accumulated.
    """
    return optimizer._iterations


_DECAYS = {
    "linear": lambda time, steps: 1.0 - time / steps,
    "exponential": lambda time, steps: 0.5 ** (time / steps),
    "inverse_sigmoid": lambda time, steps: steps / (steps + ops.exp(time / steps)),
}


@keras.saving.register_keras_serializable("keras_seq2seq")
class TeacherForcing(keras.optimizers.schedules.LearningRateSchedule):
    """The probability that a decoder in training reads the right token and not its own guess.

    It falls from (almost) 1 while training goes on. With `t` the steps taken and `k` the
    `decay_steps`:

        linear           1 - t / k
        exponential      0.5 ** (t / k)
        inverse_sigmoid  k / (k + exp(t / k))

    Args:
        decay_type: String, one of the names above.
        decay_steps: Integer, `k`.
        min_probability: Float, the probability never falls below it.

    Example:
        >>> model.teacher_forcing = TeacherForcing("linear", 20_000, min_probability=0.75)
        >>> model.fit(...)

    Reference:
        - Bengio et al., 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural
          Networks", https://arxiv.org/abs/1506.03099, section 2.4
    """

    def __init__(self, decay_type, decay_steps, min_probability=0.0):
        if decay_type not in _DECAYS:
            raise ValueError(
                f"`decay_type` must be one of {', '.join(_DECAYS)}. "
                f"Received: decay_type={decay_type!r}"
            )
        self.decay_type = decay_type
        self.decay_steps = decay_steps
        self.min_probability = min_probability

    def __call__(self, step):
        probability = _DECAYS[self.decay_type](ops.cast(step, "float32"), float(self.decay_steps))
        return ops.maximum(probability, self.min_probability)

    def get_config(self):
        return dict(vars(self))
