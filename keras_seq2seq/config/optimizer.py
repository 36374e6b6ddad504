"""The options of the optimizer and the learning rate."""

from typing import Annotated, Any

from pydantic import model_validator

from keras_seq2seq.config.option_types import (
    Convert,
    Expected,
    InnerFraction,
    NonNegativeFloat,
    NonNegativeSteps,
    Option,
    OutOfBounds,
    PositiveFloat,
    PositiveInt,
    PositiveSteps,
    ProperFraction,
    Switch,
    join_choices,
    one_of,
)
from keras_seq2seq.config.section import Section, conflict
from keras_seq2seq.defaults import CLIP_GRADIENTS, LEARNING_RATE

# The optimizers of Keras that require no argument except a learning rate. ScheduleFreeAdamW is
# not supported: its weights are usable for inference only after a call that ends training.
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

# The decays of TensorFlow 1's tf.train that google/seq2seq could use. Its other choices,
# polynomial_decay and piecewise_constant, take no decay_rate and always failed.
ORIGINAL_DECAYS = ("exponential_decay", "inverse_time_decay", "natural_exp_decay")
_DECAYS = (*ORIGINAL_DECAYS, "inverse_square_root", "cosine", "plateau")


def _empty_to_none(value: Any) -> Any:
    return "none" if value in ("", None) else value


# The default of google/seq2seq, an empty string, stands for a constant learning rate.
DecayType = Annotated[one_of(*_DECAYS, "none"), Convert(_empty_to_none)]


def _check_arguments(value: Any) -> dict:
    if not isinstance(value, dict):
        raise ValueError("not a section")
    if any(type(item) not in (bool, int, float, str) for item in value.values()):
        raise ValueError("not single values")
    if any(isinstance(item, (int, float)) and not abs(item) <= 1e9 for item in value.values()):
        raise OutOfBounds("numbers of at most 1000000000")
    return {str(name): item for name, item in value.items()}


Arguments = Annotated[
    dict[str, Any],
    Convert(_check_arguments),
    Expected(
        "arguments of the Keras optimizer, such as optimizer.arguments.beta_2=0.98", "NAME=VALUE"
    ),
]


NEVER = 1_000_000_000


def _decay_option(description: str, decays: tuple[str, ...] = _DECAYS) -> Option:
    """Returns the metadata of an option that only some types of decay use."""

    def unused_because(config: Any) -> str | None:
        decay_type = config.hparams.optimizer.lr_decay_type
        if decay_type == "none":
            return "the learning rate is constant; leave it out or set optimizer.lr_decay_type"
        if decay_type not in decays:
            return (
                f"{decay_type} does not use it; leave it out or set optimizer.lr_decay_type to "
                f"{join_choices(decays)}"
            )
        return None

    return Option(description, unused_because=unused_because)


def _no_dropout(config: Any) -> str | None:
    hparams = config.hparams
    keeps_all = all(
        cell.dropout_input_keep_prob == cell.dropout_output_keep_prob == 1.0
        for cell in (hparams.encoder_cell, hparams.decoder_cell)
    )
    if keeps_all and not hparams.embedding.word_dropout:
        return "without dropout, both passes are equal; set rnn_cell.dropout_input_keep_prob"
    return None


class OptimizerOptions(Section):
    """`optimizer.*`: the optimizer, the learning rate and the regularization of the loss."""

    name: Annotated[OptimizerName, Option("Keras optimizer.")] = "Adam"
    arguments: Annotated[
        Arguments, Option("Additional arguments of the optimizer, named as in Keras.")
    ] = {}
    learning_rate: Annotated[
        PositiveFloat, Option("Base learning rate, to which warm-up and decay apply.")
    ] = LEARNING_RATE
    lr_decay_type: Annotated[
        DecayType, Option("Decay of the learning rate; none for a constant rate.")
    ] = "cosine"
    lr_warmup_steps: Annotated[
        NonNegativeSteps,
        Option("Training steps of linear warm-up from 0; may be combined with any decay."),
    ] = 0
    lr_decay_steps: Annotated[
        PositiveSteps,
        _decay_option("Training steps per application of lr_decay_rate.", ORIGINAL_DECAYS),
    ] = 100
    lr_decay_rate: Annotated[
        PositiveFloat,
        _decay_option(
            "Decay factor (exponential_decay) or rate (inverse_time_decay, natural_exp_decay).",
            ORIGINAL_DECAYS,
        ),
    ] = 0.99
    lr_start_decay_at: Annotated[
        NonNegativeSteps,
        _decay_option("Training step at which decay starts, but not before warm-up ends."),
    ] = 0
    lr_stop_decay_at: Annotated[
        PositiveSteps,
        _decay_option(
            "Training step at which decay stops; if not set, cosine stops at the last step."
        ),
    ] = NEVER
    lr_min_learning_rate: Annotated[
        NonNegativeFloat, _decay_option("Lower bound of the decayed learning rate.")
    ] = 1e-12
    lr_staircase: Annotated[
        Switch,
        _decay_option("Decay once every lr_decay_steps instead of every step.", ORIGINAL_DECAYS),
    ] = False
    lr_plateau_factor: Annotated[
        InnerFraction,
        _decay_option(
            "Factor applied to the learning rate when --best_metric stops improving (plateau).",
            ("plateau",),
        ),
    ] = 0.5
    lr_plateau_patience: Annotated[
        PositiveInt,
        _decay_option(
            "Evaluations without improvement before lr_plateau_factor is applied (plateau).",
            ("plateau",),
        ),
    ] = 3
    clip_gradients: Annotated[
        NonNegativeFloat, Option("Maximum global norm of the gradients; 0 disables clipping.")
    ] = CLIP_GRADIENTS
    gradient_accumulation_steps: Annotated[
        PositiveInt, Option("Number of training steps whose gradients are averaged per update.")
    ] = 1
    ema_momentum: Annotated[
        ProperFraction,
        Option(
            "Momentum of the exponential moving average of the weights, such as 0.999; the "
            "averaged weights are evaluated and saved. 0 disables averaging."
        ),
    ] = 0.0
    label_smoothing: Annotated[
        ProperFraction, Option("Probability mass that the loss spreads uniformly over all tokens.")
    ] = 0.1
    r_drop: Annotated[
        NonNegativeFloat,
        Option(
            "Weight of the divergence between two passes with different dropout, such as 5 "
            "(R-Drop, doubles the time of a step); 0 disables it.",
            unused_because=_no_dropout,
        ),
    ] = 0.0

    @model_validator(mode="after")
    def _check_decay_steps(self) -> "OptimizerOptions":
        for name in ("lr_start_decay_at", "lr_warmup_steps"):
            if getattr(self, name) >= self.lr_stop_decay_at:
                raise conflict(
                    f"hparams.optimizer.{name}",
                    f"expected a step before optimizer.lr_stop_decay_at ({self.lr_stop_decay_at}), "
                    f"got {getattr(self, name)}",
                )
        return self
