"""The options of decoding under short names, as translating takes them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_seq2seq.config.applicability import inference_options_without_effect
from keras_seq2seq.config.inference import Inference
from keras_seq2seq.config.layer import Layer
from keras_seq2seq.config.section import walk_options
from keras_seq2seq.config.validate import validate_layers
from keras_seq2seq.errors import UserError

if TYPE_CHECKING:
    from keras_seq2seq.config.config import Config

# By the last part of their dotted names, but for one that has grown too long for a flag.
DECODING_OPTIONS = {
    {"max_decode_length": "max_length"}.get(path[-1], path[-1]): path
    for path, _ in walk_options(Inference)
}


def override_decoding(config: "Config", options: Mapping[str, Any]) -> "Config":
    """Returns the configuration of a model with some options of decoding replaced.

    What the configuration says may lose its effect by an option that is given; an option that is
    given must have one.

    Args:
        config: The configuration of the model.
        options: Values by names out of `DECODING_OPTIONS`. None stands for one that is not given.

    Raises:
        UserError: If a value is wrong, or has no effect beside the others.
        TypeError: If an option is none of these.

    Example:
        >>> override_decoding(config, {"beam_width": 5, "n_best": 3})
    """
    given = {name: value for name, value in options.items() if value is not None}
    if unknown := given.keys() - DECODING_OPTIONS:
        raise TypeError(
            f"expected options out of {', '.join(DECODING_OPTIONS)}; got {', '.join(unknown)}"
        )
    layers = [Layer("config.yaml", config.hparams.inference.model_dump())]
    for name, value in given.items():
        path = DECODING_OPTIONS[name]
        nested = value
        for section in reversed(path):
            nested = {section: nested}
        layers.append(Layer(name, nested, section=path))
    inference = validate_layers(Inference, layers)
    without_effect = inference_options_without_effect(inference, config.model)
    for name in given:
        if reason := without_effect.get(DECODING_OPTIONS[name]):
            raise UserError(f"{name}: has no effect here: {reason}")
    hparams = config.hparams.model_copy(update={"inference": inference})
    return config.model_copy(update={"hparams": hparams})
