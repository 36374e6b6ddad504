"""From a configuration to a learning rate."""

from keras.optimizers.schedules import LearningRateSchedule

from keras_seq2seq.config import Config
from keras_seq2seq.config.optimizer import NEVER, ORIGINAL_DECAYS
from keras_seq2seq.errors import UserError
from keras_seq2seq.metrics import LOWER_IS_BETTER
from keras_seq2seq.training.schedules import (
    CosineDecay,
    DelayedDecay,
    InverseSquareRoot,
    Plateau,
    WarmUp,
)


def make_learning_rate(config: Config, steps: int) -> float | LearningRateSchedule:
    """Returns the learning rate that `optimizer.learning_rate` and `optimizer.lr_*` describe.

    Args:
        config: The configuration.
        steps: The number of training steps of the run.

    Returns:
        A number if it is constant. A `Plateau` is always outermost.

    Raises:
        UserError: If the decay would start after the end of the run.
    """
    options = config.hparams.optimizer
    schedule = _decay(config, steps)
    if options.lr_warmup_steps:
        schedule = WarmUp(schedule, options.lr_warmup_steps)
    if options.lr_decay_type == "plateau":
        metric = config.best_metric
        schedule = Plateau(
            schedule,
            factor=options.lr_plateau_factor,
            patience=options.lr_plateau_patience,
            metric=f"dev_{metric}",
            lower_is_better=metric in ("loss", *LOWER_IS_BETTER),
            start_at=_start(config),
            stop_at=options.lr_stop_decay_at,
            min_learning_rate=options.lr_min_learning_rate,
        )
    return schedule


def _decay(config: Config, steps: int) -> float | LearningRateSchedule:
    options = config.hparams.optimizer
    limits = {
        "start_decay_at": _start(config),
        "stop_decay_at": options.lr_stop_decay_at,
        "min_learning_rate": options.lr_min_learning_rate,
    }
    if options.lr_decay_type in ORIGINAL_DECAYS:
        return DelayedDecay(
            options.learning_rate,
            options.lr_decay_type,
            decay_steps=options.lr_decay_steps,
            decay_rate=options.lr_decay_rate,
            staircase=options.lr_staircase,
            **limits,
        )
    if options.lr_decay_type == "inverse_square_root":
        limits["start_decay_at"] = max(limits["start_decay_at"], 1)
        return InverseSquareRoot(options.learning_rate, **limits)
    if options.lr_decay_type == "cosine":
        if options.lr_stop_decay_at == NEVER:
            limits["stop_decay_at"] = steps
        if limits["start_decay_at"] >= limits["stop_decay_at"]:
            raise UserError(
                f"optimizer.lr_decay_type=cosine would start at step {limits['start_decay_at']:,}, "
                f"but the run ends at step {steps:,}; warm up for fewer steps or train longer"
            )
        return CosineDecay(options.learning_rate, **limits)
    return options.learning_rate


def _start(config: Config) -> int:
    """Returns the step at which the decay starts, which is never before the warm-up's end."""
    options = config.hparams.optimizer
    return max(options.lr_start_decay_at, options.lr_warmup_steps)
