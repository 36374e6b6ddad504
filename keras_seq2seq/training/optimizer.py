"""From a configuration to an optimizer."""

import inspect

import keras
from keras.optimizers.schedules import LearningRateSchedule

from keras_seq2seq.backend import Adam
from keras_seq2seq.config.optimizer import Optimizer
from keras_seq2seq.errors import UserError
from keras_seq2seq.training.schedules import Plateau

# Arguments of every Keras optimizer, and the options that stand for them.
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
    options: Optimizer, learning_rate: float | LearningRateSchedule
) -> keras.optimizers.Optimizer:
    """Returns the optimizer, with its clipping.

    Args:
        options: The options `optimizer.*`.
        learning_rate: What `make_learning_rate` returned.

    Raises:
        UserError: If Keras does not know the optimizer, or it does not take its arguments.
    """
    fused = {"Adam": Adam}
    optimizer_class = fused.get(options.name) or getattr(keras.optimizers, options.name, None)
    if optimizer_class is None:
        raise UserError(
            f"optimizer.name: Keras {keras.__version__} has no {options.name}; install a newer one"
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
        raise UserError(f"optimizer.arguments: refused by {options.name}: {reason}") from error
    if isinstance(learning_rate, Plateau):
        # Keras tracks it from here: it is saved and restored with the optimizer's variables.
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
        # No argument of an optimizer is a text.
        if isinstance(value, str):
            raise UserError(f"optimizer.arguments.{name}: expected a number, got {value!r}")
