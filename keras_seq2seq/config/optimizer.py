"""The optimizer and its learning rate."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from keras_seq2seq.config.conflict import conflict
from keras_seq2seq.config.option_types import (
    Expected,
    NonNegativeFloat,
    NonNegativeSteps,
    PositiveFloat,
    PositiveSteps,
    ProperFraction,
    Switch,
    one_of,
)
from keras_seq2seq.config.section import Section

OptimizerName = one_of(
    "Adam",
    "AdamW",
    "Nadam",
    "Adamax",
    "Adagrad",
    "Adadelta",
    "RMSprop",
    "SGD",
    "Ftrl",
    RMSProp="RMSprop",
)

# The functions of TensorFlow 1's tf.train that the original could call: the others
# (polynomial_decay, piecewise_constant) take no decay_rate and failed there.
_DecayName = one_of("exponential_decay", "inverse_time_decay", "natural_exp_decay")


def _empty_to_none(value: Any) -> Any:
    return None if value in ("", "none") else value


DecayType = Annotated[
    _DecayName | None,
    BeforeValidator(_empty_to_none),
    Expected("exponential_decay, inverse_time_decay, natural_exp_decay or none"),
]


class Optimizer(Section):
    """`optimizer.*`: the optimizer, the learning rate and the loss's smoothing."""

    name: OptimizerName = Field("Adam", description="Keras optimizer.")
    learning_rate: PositiveFloat = Field(
        1e-3, description="Learning rate before any decay; the original's 1e-4 trained too slowly."
    )
    lr_decay_type: DecayType = Field(
        None, description="How the learning rate decays; it is constant if this is not set."
    )
    lr_decay_steps: PositiveSteps = Field(
        100, description="Training steps in which lr_decay_rate applies once."
    )
    lr_decay_rate: PositiveFloat = Field(
        0.99, description="Factor (exponential_decay) or rate (the other types) of the decay."
    )
    lr_start_decay_at: NonNegativeSteps = Field(
        0, description="Training step at which the decay starts."
    )
    lr_stop_decay_at: PositiveSteps = Field(
        1_000_000_000, description="Training step at which the decay stops."
    )
    lr_min_learning_rate: NonNegativeFloat = Field(
        1e-12, description="The learning rate never decays below this."
    )
    lr_staircase: Switch = Field(
        False, description="Decay in jumps every lr_decay_steps instead of at each step."
    )
    clip_gradients: NonNegativeFloat = Field(
        5.0, description="Largest global norm of the gradients; 0 does not clip them."
    )
    label_smoothing: ProperFraction = Field(
        0.0, description="Share of the probability that the loss spreads over all tokens."
    )

    @model_validator(mode="after")
    def _check_decay_steps(self) -> "Optimizer":
        if self.lr_start_decay_at >= self.lr_stop_decay_at:
            raise conflict(
                "hparams.optimizer.lr_start_decay_at",
                f"expected a step before optimizer.lr_stop_decay_at ({self.lr_stop_decay_at}), "
                f"got {self.lr_start_decay_at}",
            )
        return self
