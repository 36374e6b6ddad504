"""The configuration of a training run, from files and flags, and its descriptions."""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import model_validator

from keras_seq2seq.config.config_file import (
    load_config_file,
    parse_hparams,
    save_config_file,
    write_yaml,
)
from keras_seq2seq.config.decoding_flags import DECODING_OPTIONS
from keras_seq2seq.config.hyper_parameters import HyperParameters, InferenceOptions
from keras_seq2seq.config.section import (
    OptionSource,
    Section,
    conflict,
    expected_words,
    flatten_options,
    has_path,
    option_of,
    validate_sources,
    walk_options,
)
from keras_seq2seq.config.training_flags import TrainingFlags, as_names
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import find_files

_PARTS = ("train", "dev")
_KINDS = ("source", "target", "data")


class Config(TrainingFlags, Section):
    """The flags of `keras-seq2seq train` and the hyperparameters.

    The path of the model directory is not included, so that the directory can be moved.

    Args:
        hparams: The hyperparameters, as `HyperParameters` or a dictionary.
        **flags: The flags of `train`, by name.

    Raises:
        pydantic.ValidationError: If a value is invalid, or an option has no effect given the other
            options. `resolve_config` and `Config.load` raise `UserError` instead.

    Example:

    >>> config = Config(batch_size=64, hparams={"rnn_cell": {"num_units": 256}})
    >>> config.save("model/config.yaml")
    >>> Config.load("model/config.yaml") == config
    True
    """

    hparams: HyperParameters = HyperParameters()

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Config":
        """Reads a configuration file.

        Raises:
            UserError: If the file cannot be read or its content is invalid.
        """
        return validate_sources(cls, [OptionSource(os.fspath(path), load_config_file(path))])

    def with_hparams(self, **sections: Any) -> "Config":
        """Returns the configuration with other sections of hyperparameters.

        Args:
            **sections: The sections by their names, such as `inference`.
        """
        return self.model_copy(update={"hparams": self.hparams.model_copy(update=sections)})

    def save(self, path: str | os.PathLike) -> None:
        """Writes the configuration to a file, atomically."""
        save_config_file(path, dump_config(self))

    @model_validator(mode="after")
    def _check_effects(self) -> "Config":
        if self.save_checkpoints_steps is not None and self.save_checkpoints_secs is not None:
            raise conflict(
                "save_checkpoints_secs",
                "cannot be combined with save_checkpoints_steps; leave out one of them",
            )
        given = self.model_dump(exclude_unset=True)
        for path, reason in _unused_settings(self).items():
            if has_path(given, path):
                raise conflict(".".join(path), f"has no effect here: {reason}")
        return self

    @model_validator(mode="after")
    def _check_data(self) -> "Config":
        for part in ("train", "dev"):
            for side in ("source", "target"):
                if getattr(self, f"{part}_data") and getattr(self, f"{part}_{side}"):
                    raise conflict(
                        f"{part}_data",
                        f"cannot be combined with {part}_{side}; leave out one of them",
                    )
        if (self.source_column is None) != (self.target_column is None):
            given, missing = "source_column", "target_column"
            if self.source_column is None:
                given, missing = missing, given
            raise conflict(given, f"needs a {missing}, too")
        return self

    @model_validator(mode="after")
    def _check_vocabularies(self) -> "Config":
        if not self.joint_vocabulary:
            return self
        for name in ("vocab_source", "vocab_target"):
            if getattr(self, name) is not None:
                raise conflict(
                    "joint_vocabulary",
                    f"is built from the training text; leave out joint_vocabulary or {name}",
                )
        source, target = self.hparams.source, self.hparams.target
        for name in ("tokenizer", "vocab_size", "min_frequency", "lowercase", "nfkc"):
            values = getattr(source, name), getattr(target, name)
            if None not in values and values[0] != values[1]:
                raise conflict(
                    "joint_vocabulary",
                    f"needs one tokenizer, but source.{name} and target.{name} differ",
                )
        return self

    @model_validator(mode="after")
    def _check_batches(self) -> "Config":
        if self.batch_type == "tokens":
            if "batch_size" not in self.model_fields_set:
                raise conflict("batch_type", "tokens also needs a batch_size, such as 2048")
            if not self.buckets:
                raise conflict("batch_type", "tokens needs buckets, such as auto")
        if self.bucket_batch_sizes:
            buckets = 0 if self.buckets == "auto" else len(self.buckets) + 1
            if len(self.bucket_batch_sizes) != buckets:
                expected = f"{buckets} numbers" if buckets else "buckets with explicit lengths"
                raise conflict(
                    "bucket_batch_sizes",
                    f"expected {expected}, got {len(self.bucket_batch_sizes)} numbers",
                )
        return self


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


def set_if_open(
    config: Config, section: str, overwrite_none: bool = False, **values: Any
) -> Config:
    """Returns the configuration with hyperparameters that it leaves open set to the given values.

    Args:
        config: The configuration.
        section: The section of the hyperparameters, such as `"optimizer"`.
        overwrite_none: Whether options that were set to `None` count as open.
        **values: The values by the names of the options.

    Example:

    >>> set_if_open(Config(), "optimizer", learning_rate=0.01).hparams.optimizer.learning_rate
    0.01
    """
    options = getattr(config.hparams, section)
    unset = {
        name: value
        for name, value in values.items()
        if name not in options.model_fields_set
        or (overwrite_none and getattr(options, name) is None)
    }
    return config.with_hparams(**{section: options.model_copy(update=unset)})


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
    for name in given.keys() - DECODING_OPTIONS:
        near = [option for option in DECODING_OPTIONS if name in option]
        near += get_close_matches(name, DECODING_OPTIONS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise TypeError(f"expected options from {', '.join(DECODING_OPTIONS)}; got {name}{hint}")
    sources = [OptionSource("config.yaml", config.hparams.inference.model_dump())]
    for name, value in given.items():
        path = DECODING_OPTIONS[name]
        nested = value
        for section in reversed(path):
            nested = {section: nested}
        sources.append(OptionSource(name, nested, section=path))
    inference = validate_sources(InferenceOptions, sources)
    config = config.with_hparams(inference=inference)
    reasons = unused_options(config)
    for name in given:
        if reason := reasons.get(("hparams", "inference", *DECODING_OPTIONS[name])):
            raise UserError(f"{name}: has no effect here: {reason}")
    return config


def unused_options(config: Config) -> dict[tuple[str, ...], str]:
    """Returns the options that have no effect in a configuration, whatever their values.

    Returns:
        A dictionary from the path of each option, such as `("hparams", "attention", "dim")`, to
        the reason.
    """
    reasons = {}
    for path, field in walk_options(Config):
        unused_because = option_of(field).unused_because
        if unused_because and (reason := unused_because(config)):
            reasons[path] = reason
    return reasons


def _unused_settings(config: Config) -> dict[tuple[str, ...], str]:
    """Returns `unused_options` except decoding options that have their default value.

    Configurations of google/seq2seq list those defaults explicitly.
    """
    return {
        path: reason
        for path, reason in unused_options(config).items()
        if path[:2] != ("hparams", "inference")
        or _value_at(config, path) != _value_at(InferenceOptions(), path[2:])
    }


def _value_at(section: Section, path: tuple[str, ...]) -> Any:
    value = section
    for name in path:
        value = getattr(value, name)
    return value


def input_files(config: Config) -> list[str]:
    """Returns the files and directories that a run with this configuration reads."""
    embedding = config.hparams.embedding
    values = [
        config.vocab_source,
        config.vocab_target,
        embedding.source_file,
        embedding.target_file,
    ]
    values += [getattr(config, f"{part}_{kind}") for part in _PARTS for kind in _KINDS]
    if config.init_from is not None:
        values.append(os.path.join(config.init_from, "model.keras"))
    return [path for value in values for name in as_names(value) for path in find_files(name)]


def options_that_may_change() -> set[str]:
    """Returns the dotted names of the options that may change when a training run is resumed."""
    return {".".join(path) for path, field in walk_options(Config) if option_of(field).may_change}


def identity(config: Config) -> dict[str, Any]:
    """Returns what makes the model of a run what it is, as JSON values by dotted names."""
    may_change = options_that_may_change()
    values = flatten_options(config.model_dump(mode="json"))
    return {name: value for name, value in values if name not in may_change}


def describe_difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Returns the first difference between two results of `identity`, `""` if they are equal."""
    for name in {**here, **there}:
        if there.get(name) != here.get(name):
            return f"{name.removeprefix('hparams.')} {there.get(name)} instead of {here.get(name)}"
    return ""


def dump_config(config: Config) -> str:
    """Returns YAML text from which `Config.load` reads an equal configuration.

    The options are in the order of their declaration. Options that are not set (`None`) or have
    no effect are left out.
    """
    # In JSON mode tuples become lists; YAML has no tuples either.
    options = config.model_dump(mode="json", exclude_none=True)
    for path in _unused_settings(config):
        _remove(options, path)
    if not config.bucket_batch_sizes:
        options.pop("bucket_batch_sizes")
    return write_yaml(_without_empty_sections(options))


def _remove(options: dict, path: tuple[str, ...]) -> None:
    *sections, last = path
    for section in sections:
        options = options[section]
    options.pop(last, None)


def _without_empty_sections(options: dict) -> dict:
    kept = {
        name: _without_empty_sections(value) if isinstance(value, dict) else value
        for name, value in options.items()
    }
    return {name: value for name, value in kept.items() if value != {}}


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
