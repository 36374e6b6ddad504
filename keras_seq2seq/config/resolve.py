"""Configurations from files and flags, decoding options, and descriptions for the docs."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_seq2seq.config.config import Config, unused_options
from keras_seq2seq.config.config_file import load_config_file, parse_hparams
from keras_seq2seq.config.decoding_flags import DECODING_OPTIONS
from keras_seq2seq.config.hyper_parameters import HyperParameters, InferenceOptions
from keras_seq2seq.config.section import expected_words, option_of, walk_options
from keras_seq2seq.config.validate import OptionSource, validate_sources
from keras_seq2seq.errors import UserError


def resolve_config(
    files: Sequence[str | os.PathLike] = (),
    flags: Mapping[str, Any] | None = None,
    hparams: str = "",
) -> Config:
    """Merges configuration files and flags.

    Flags override files, and later files override earlier ones.

    Args:
        files: Paths of YAML files.
        flags: Values of options of `Config` other than `hparams`, by name. `None` means that a
            flag is not given.
        hparams: The text of `--hparams`.

    Returns:
        The configuration. Options that no source sets have their defaults.

    Raises:
        UserError: If a file cannot be read, or an option is unknown, has an invalid value or has
            no effect given the others. The message is one line and names the source.
        TypeError: If `flags` contains a name that is not an option of `Config`.

    Example:

    >>> config = resolve_config(["base.yaml"], {"batch_size": 16}, "rnn_cell.num_units=256")
    """
    sources = [OptionSource(os.fspath(path), load_config_file(path)) for path in files]
    for name, value in (flags or {}).items():
        if name not in Config.model_fields or name == "hparams":
            raise TypeError(f"expected a flag of the configuration, got {name!r}")
        if value is not None:
            sources.append(OptionSource(f"--{name}", {name: value}, section=(name,)))
    options = {"hparams": parse_hparams(hparams)}
    sources.append(OptionSource("--hparams", options, section=("hparams",)))
    return validate_sources(Config, sources)


def override_decoding(config: Config, options: Mapping[str, Any]) -> Config:
    """Returns the configuration of a model with different decoding options.

    Options of the configuration may lose their effect through the given options, but every given
    option must have an effect.

    Args:
        config: The configuration of the model.
        options: Values by the names in `DECODING_OPTIONS`. `None` keeps the value of `config`.

    Raises:
        UserError: If a value is invalid or has no effect given the others.
        TypeError: If a name is not in `DECODING_OPTIONS`.

    Example:

    >>> config = override_decoding(config, {"beam_width": 5, "n_best": 3})
    """
    given = {name: value for name, value in options.items() if value is not None}
    if unknown := given.keys() - DECODING_OPTIONS:
        raise TypeError(
            f"expected options from {', '.join(DECODING_OPTIONS)}; got {', '.join(unknown)}"
        )
    sources = [OptionSource("config.yaml", config.hparams.inference.model_dump())]
    for name, value in given.items():
        path = DECODING_OPTIONS[name]
        nested = value
        for section in reversed(path):
            nested = {section: nested}
        sources.append(OptionSource(name, nested, section=path))
    inference = validate_sources(InferenceOptions, sources)
    hparams = config.hparams.model_copy(update={"inference": inference})
    config = config.model_copy(update={"hparams": hparams})
    reasons = unused_options(config)
    for name in given:
        if reason := reasons.get(("hparams", "inference", *DECODING_OPTIONS[name])):
            raise UserError(f"{name}: has no effect here: {reason}")
    return config


class OptionDescription(NamedTuple):
    """A description of an option for the docs.

    Attributes:
        name: The dotted name, such as `rnn_cell.num_units`.
        type: The values it accepts, in words.
        default: The default, or `None` if the option is not set by default.
        description: What the option does.
    """

    name: str
    type: str
    default: Any
    description: str


def describe_hparams() -> list[OptionDescription]:
    """Returns descriptions of all hyperparameters in the order of their declaration."""
    return [
        OptionDescription(
            ".".join(path), expected_words(field), field.default, option_of(field).description
        )
        for path, field in walk_options(HyperParameters)
    ]
