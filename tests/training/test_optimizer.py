import inspect

import keras
import pytest

from keras_seq2seq.config.optimizer import Optimizer
from keras_seq2seq.errors import UserError
from keras_seq2seq.training.optimizer import make_optimizer

WRAPPERS = {"LossScaleOptimizer", "MultiOptimizer", "Optimizer", "OptimizerMap"}
# Whose weights are the model's only after a call at the end of training.
UNFIT = {"ScheduleFreeAdamW"}


def test_all_of_keras_can_be_named():
    classes = {name for name, _ in inspect.getmembers(keras.optimizers, inspect.isclass)}
    for name in classes - WRAPPERS - UNFIT:
        optimizer = make_optimizer(Optimizer(name=name), 1e-3)
        assert isinstance(optimizer, getattr(keras.optimizers, name))
        assert optimizer.global_clipnorm == 5.0


def test_arguments_reach_it():
    options = Optimizer(name="SGD", arguments={"momentum": 0.5, "nesterov": True})
    optimizer = make_optimizer(options, 1e-3)
    assert (optimizer.momentum, optimizer.nesterov) == (0.5, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 0.5}, "arguments.momentum: Adam has no such argument; expected one of beta"),
        ({"learning_rate": 1.0}, "arguments.learning_rate: set optimizer.learning_rate instead"),
        ({"clipnorm": 1.0}, "arguments.clipnorm: set optimizer.clip_gradients instead"),
        ({"ema_momentum": 2, "use_ema": True}, "refused by Adam: `ema_momentum` must be in the"),
    ],
)
def test_refuses_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(Optimizer(arguments=arguments), 1e-3)
