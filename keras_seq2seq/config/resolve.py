"""Resolving configurations: files, flags and decoding options."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_seq2seq.config.applicability import inference_options_without_effect
from keras_seq2seq.config.config import Config
from keras_seq2seq.config.config_file import load_config_file, parse_hparams
from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.inference import Inference
from keras_seq2seq.config.option_types import expected_words
from keras_seq2seq.config.section import walk_options
from keras_seq2seq.config.validate import Layer, validate_layers
from keras_seq2seq.errors import UserError


def resolve_config(
    files: Sequence[str | os.PathLike] = (),
    flags: Mapping[str, Any] | None = None,
    hparams: str = "",
) -> Config:
    """Merges configuration files and flags: flags beat files, later files beat earlier ones.

    Args:
        files: paths of YAML files.
        flags: values of `Config`'s options other than `hparams`, under their names with
            underscores. None stands for a flag that is not given.
        hparams: the text of `--hparams`.

    Returns:
        The configuration, all else at its default.

    Raises:
        UserError: if a file cannot be read, or an option is unknown, has a wrong value or is
            left without effect by the others. The message is one line and names the source.
        TypeError: if `flags` has a name that is none of `Config`.

    Example:
        >>> config = resolve_config(["base.yaml"], {"batch_size": 16}, "rnn_cell.num_units=256")
    """
    layers = [Layer(os.fspath(path), load_config_file(path)) for path in files]
    for name, value in (flags or {}).items():
        if name not in Config.model_fields or name == "hparams":
            raise TypeError(f"expected a flag of the configuration, got {name!r}")
        if value is not None:
            layers.append(Layer(f"--{name}", {name: value}, section=(name,)))
    layers.append(Layer("--hparams", {"hparams": parse_hparams(hparams)}, section=("hparams",)))
    return validate_layers(Config, layers)


# By the last part of their dotted names, but for one that has grown too long for a flag.
DECODING_OPTIONS = {
    {"max_decode_length": "max_length"}.get(path[-1], path[-1]): path
    for path, _ in walk_options(Inference)
}


def override_decoding(config: Config, options: Mapping[str, Any]) -> Config:
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


class OptionDescription(NamedTuple):
    """An option for the docs and the command line's help.

    Attributes:
        name: dotted name, such as `rnn_cell.num_units`.
        type: what it takes, in words.
        default: its default; None if it is not set, which the description explains.
        description: what it does.
    """

    name: str
    type: str
    default: Any
    description: str


def describe_hparams() -> list[OptionDescription]:
    """Returns every hyper-parameter, in the order of their declaration."""
    return [
        OptionDescription(".".join(path), expected_words(field), field.default, field.description)
        for path, field in walk_options(HyperParameters)
    ]
