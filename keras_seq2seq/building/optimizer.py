"""Creation of an optimizer and its learning rate from a configuration."""

import inspect

import keras
from keras.optimizers.schedules import LearningRateSchedule

from keras_seq2seq.backend import Adam
from keras_seq2seq.config import Config
from keras_seq2seq.config.optimizer import NEVER, ORIGINAL_DECAYS, OptimizerOptions
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import LOWER_IS_BETTER
from keras_seq2seq.schedules import CosineDecay, DelayedDecay, InverseSquareRoot, Plateau, WarmUp


def make_learning_rate(config: Config, steps: int) -> float | LearningRateSchedule:
    """Returns the learning rate of `optimizer.learning_rate` and `optimizer.lr_*`.

    Args:
        config: The configuration.
        steps: The number of training steps of the run.

    Returns:
        A number if it is constant, otherwise a schedule. A `Plateau` is always the outermost
        schedule.

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


def learning_rate_at(learning_rate: float | LearningRateSchedule, step: int) -> float:
    """Returns the learning rate at a step, for a result of `make_learning_rate`."""
    return float(learning_rate(step)) if callable(learning_rate) else learning_rate


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
    """Returns the first step of the decay, which is not before the end of the warm-up."""
    options = config.hparams.optimizer
    return max(options.lr_start_decay_at, options.lr_warmup_steps)


# Arguments of all Keras optimizers, and the options that set them.
_OPTIONS = {
    "learning_rate": "optimizer.learning_rate",
    "global_clipnorm": "optimizer.clip_gradients",
    "clipnorm": "optimizer.clip_gradients",
    "clipvalue": "optimizer.clip_gradients",
    "gradient_accumulation_steps": "optimizer.gradient_accumulation_steps",
    "use_ema": "optimizer.ema_momentum",
    "ema_momentum": "optimizer.ema_momentum",
    "ema_overwrite_frequency": "optimizer.ema_momentum",
    "name": "optimizer.name",
}


def make_optimizer(
    options: OptimizerOptions, learning_rate: float | LearningRateSchedule
) -> keras.optimizers.Optimizer:
    """Returns the optimizer, including gradient clipping.

    Args:
        options: The options `optimizer.*`.
        learning_rate: The result of `make_learning_rate`.

    Raises:
        UserError: If Keras has no such optimizer, or if the optimizer does not accept its
            arguments.
    """
    fused = {"Adam": Adam}
    optimizer_class = fused.get(options.name) or getattr(keras.optimizers, options.name, None)
    if optimizer_class is None:
        raise UserError(
            f"optimizer.name: Keras {keras.__version__} has no {options.name}; upgrade Keras"
        )
    _check_arguments(optimizer_class, options.arguments)
    accumulated = options.gradient_accumulation_steps
    try:
        optimizer = optimizer_class(
            learning_rate=learning_rate,
            global_clipnorm=options.clip_gradients or None,
            gradient_accumulation_steps=accumulated if accumulated > 1 else None,
            use_ema=options.ema_momentum > 0,
            ema_momentum=options.ema_momentum,
            **options.arguments,
        )
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"optimizer.arguments: rejected by {options.name}: {reason}") from error
    if isinstance(learning_rate, Plateau):
        # As an attribute, it is saved and restored with the variables of the optimizer.
        optimizer.plateau_state = learning_rate.state
    return optimizer


def _check_arguments(optimizer_class: type, arguments: dict):
    parameters = inspect.signature(optimizer_class).parameters
    known = [name for name in parameters if name != "kwargs" and name not in _OPTIONS]
    for name, value in arguments.items():
        if name in _OPTIONS:
            raise UserError(f"optimizer.arguments.{name}: set {_OPTIONS[name]} instead")
        if name not in known:
            raise UserError(
                f"optimizer.arguments.{name}: {optimizer_class.__name__} has no such argument; "
                f"expected one of {', '.join(known)}"
            )
        # Optimizers have no string arguments.
        if isinstance(value, str):
            raise UserError(f"optimizer.arguments.{name}: expected a number, got {value!r}")
