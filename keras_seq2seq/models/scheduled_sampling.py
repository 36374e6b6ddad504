"""Scheduled sampling: training a decoder on its own predictions."""

from numbers import Real

import keras
from keras import ops

from keras_seq2seq.backend import scan
from keras_seq2seq.errors import check_integer
from keras_seq2seq.layers.layer import swap_batch_and_time
from keras_seq2seq.special_tokens import PADDING_ID

_DECAYS = {
    "linear": lambda time, steps: 1.0 - time / steps,
    "exponential": lambda time, steps: 0.5 ** (time / steps),
    "inverse_sigmoid": lambda time, steps: steps / (steps + ops.exp(time / steps)),
}


@keras.saving.register_keras_serializable("keras_seq2seq")
class TeacherForcing(keras.optimizers.schedules.LearningRateSchedule):
    """The probability that the decoder reads the reference token in training, not its prediction.

    It decreases from (almost) 1 during training. With `t` the steps taken and `k` the
    `decay_steps`:

        linear           1 - t / k
        exponential      0.5 ** (t / k)
        inverse_sigmoid  k / (k + exp(t / k))

    Args:
        decay_type: String, one of the names above.
        decay_steps: Integer, `k`, at least 1.
        min_probability: Float, the lowest probability, from 0 to 1.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> model.teacher_forcing = TeacherForcing("linear", 20_000, min_probability=0.75)
        >>> model.compile()
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
        if not isinstance(min_probability, Real) or not 0 <= min_probability <= 1:
            raise ValueError(
                "`min_probability` must be a number from 0 to 1. "
                f"Received: min_probability={min_probability!r}"
            )
        # A whole number may be written as 1e4.
        is_whole = isinstance(decay_steps, float) and decay_steps.is_integer()
        self.decay_steps = check_integer(
            "decay_steps", int(decay_steps) if is_whole else decay_steps
        )
        self.min_probability = min_probability

    def __call__(self, step):
        probability = _DECAYS[self.decay_type](ops.cast(step, "float32"), float(self.decay_steps))
        return ops.maximum(probability, self.min_probability)

    def get_config(self):
        return dict(vars(self))


def sample_decoder_inputs(model, source_ids, target_ids, gold_probability, seed):
    """Returns the target with some tokens replaced by the model's own predictions.

    The model reads its replacements of earlier tokens. No gradient flows through them.

    Args:
        model: A `Seq2Seq` model.
        source_ids: Integer tensor `(batch, source_length)`.
        target_ids: Integer tensor `(batch, target_length)`.
        gold_probability: Scalar, the probability with which a token is kept.
        seed: `keras.random.SeedGenerator`.
    """
    memory, states = model.encode(source_ids)
    gold_ids = swap_batch_and_time(target_ids)
    draws = keras.random.uniform(ops.shape(gold_ids), dtype="float32", seed=seed)
    use_gold = draws < gold_probability
    use_gold = ops.logical_or(use_gold, ops.equal(gold_ids, PADDING_ID))

    def advance(inputs, states, memory):
        gold_ids, use_gold = inputs
        read_ids = ops.where(use_gold, gold_ids, states["predictions"])
        logits, _, model_states = model.decode_step(read_ids, states["model"], memory)
        predictions = ops.cast(ops.argmax(logits, axis=-1), gold_ids.dtype)
        return {"model": model_states, "predictions": predictions, "read": read_ids}

    # The first token is the start token, which is never predicted.
    states = {"model": states, "predictions": gold_ids[0], "read": gold_ids[0]}
    _, read_ids = scan(
        advance,
        states,
        [gold_ids, use_gold],
        keep=lambda states: states["read"],
        constants=memory,
        weights=model.weights,
    )
    return ops.stop_gradient(swap_batch_and_time(read_ids))
