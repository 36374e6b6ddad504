"""The configuration of a training run."""

import os
from typing import Any

from pydantic import model_validator

from keras_seq2seq.config.config_file import load_config_file, write_yaml
from keras_seq2seq.config.hyper_parameters import HyperParameters, InferenceOptions
from keras_seq2seq.config.section import Section, conflict, has_path, option_of, walk_options
from keras_seq2seq.config.training_flags import TrainingFlags
from keras_seq2seq.config.validate import OptionSource, validate_sources
from keras_seq2seq.files import atomic_file


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

    def save(self, path: str | os.PathLike) -> None:
        """Writes the configuration to a file, atomically."""
        with atomic_file(path) as file:
            file.write(dump_config(self))

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


def options_that_may_change() -> set[str]:
    """Returns the dotted names of the options that may change when a training run is resumed."""
    return {".".join(path) for path, field in walk_options(Config) if option_of(field).may_change}


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
