"""The optimizer and its learning rate."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from keras_seq2seq.config.option_types import (
    Expected,
    InnerFraction,
    NonNegativeFloat,
    NonNegativeSteps,
    PositiveFloat,
    PositiveInt,
    PositiveSteps,
    ProperFraction,
    Switch,
    one_of,
)
from keras_seq2seq.config.section import Section, conflict

# Those of Keras that need no more than a learning rate. ScheduleFreeAdamW is not among them,
# since its weights are the model's only after a call that ends training.
OptimizerName = one_of(
    "Adam",
    "AdamW",
    "Nadam",
    "Adamax",
    "Adagrad",
    "Adadelta",
    "Adafactor",
    "RMSprop",
    "SGD",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    RMSProp="RMSprop",
)

# The functions of TensorFlow 1's tf.train that the original could call: the others
# (polynomial_decay, piecewise_constant) take no decay_rate and failed there.
ORIGINAL_DECAYS = ("exponential_decay", "inverse_time_decay", "natural_exp_decay")
_DecayName = one_of(*ORIGINAL_DECAYS, "inverse_square_root", "cosine", "plateau")


def _empty_to_none(value: Any) -> Any:
    return None if value in ("", "none") else value


DecayType = Annotated[
    _DecayName | None,
    BeforeValidator(_empty_to_none),
    Expected(
        "exponential_decay, inverse_time_decay, natural_exp_decay, inverse_square_root, cosine, "
        "plateau or none"
    ),
]


def _check_arguments(value: Any) -> dict:
    if not isinstance(value, dict):
        raise ValueError("not a section")
    if any(type(item) not in (bool, int, float, str) for item in value.values()):
        raise ValueError("not single values")
    return {str(name): item for name, item in value.items()}


Arguments = Annotated[
    dict[str, Any],
    BeforeValidator(_check_arguments),
    Expected("arguments of the Keras optimizer, such as optimizer.arguments.beta_2=0.98"),
]


NEVER = 1_000_000_000


class Optimizer(Section):
    """`optimizer.*`: the optimizer, the learning rate and the loss's smoothing."""

    name: OptimizerName = Field("Adam", description="Keras optimizer.")
    arguments: Arguments = Field(
        {}, description="Further arguments of this optimizer, under their names in Keras."
    )
    learning_rate: PositiveFloat = Field(
        1e-3, description="Learning rate before any decay; the original's 1e-4 trained too slowly."
    )
    lr_decay_type: DecayType = Field(
        None, description="How the learning rate decays; it is constant if this is not set."
    )
    lr_warmup_steps: NonNegativeSteps = Field(
        0, description="Training steps in which the learning rate rises from 0, whatever its decay."
    )
    lr_decay_steps: PositiveSteps = Field(
        100, description="Training steps in which lr_decay_rate applies once."
    )
    lr_decay_rate: PositiveFloat = Field(
        0.99,
        description="Factor (exponential_decay) or rate (inverse_time_decay, natural_exp_decay).",
    )
    lr_start_decay_at: NonNegativeSteps = Field(
        0, description="Training step at which the decay starts, if the warm-up is over."
    )
    lr_stop_decay_at: PositiveSteps = Field(
        NEVER,
        description="Training step at which the decay stops; cosine stops at the run's last step "
        "if this is not set.",
    )
    lr_min_learning_rate: NonNegativeFloat = Field(
        1e-12, description="The learning rate never decays below this."
    )
    lr_staircase: Switch = Field(
        False, description="Decay in jumps every lr_decay_steps instead of at each step."
    )
    lr_plateau_factor: InnerFraction = Field(
        0.5, description="Factor of the learning rate where --best_metric gets no better (plateau)."
    )
    lr_plateau_patience: PositiveInt = Field(
        3, description="Evaluations in a row without a new best before that happens (plateau)."
    )
    clip_gradients: NonNegativeFloat = Field(
        5.0, description="Largest global norm of the gradients; 0 does not clip them."
    )
    gradient_accumulation_steps: PositiveInt = Field(
        1, description="Training steps, of a batch each, whose mean gradient updates the weights."
    )
    ema_momentum: ProperFraction = Field(
        0.0,
        description="Share that the moving average of the weights keeps at each step, such as "
        "0.999; it is what is evaluated and saved. 0 takes the weights themselves.",
    )
    label_smoothing: ProperFraction = Field(
        0.0, description="Share of the probability that the loss spreads over all tokens."
    )

    @model_validator(mode="after")
    def _check_decay_steps(self) -> "Optimizer":
        for name in ("lr_start_decay_at", "lr_warmup_steps"):
            if getattr(self, name) >= self.lr_stop_decay_at:
                raise conflict(
                    f"hparams.optimizer.{name}",
                    f"expected a step before optimizer.lr_stop_decay_at ({self.lr_stop_decay_at}), "
                    f"got {getattr(self, name)}",
                )
        return self
