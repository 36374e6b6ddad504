"""Configuration files: YAML with nested sections or dotted names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_seq2seq.config.applicability import options_without_effect
from keras_seq2seq.config.nested_options import GivenTwiceError, set_option
from keras_seq2seq.config.yaml_dialect import YamlError, read_yaml, write_yaml
from keras_seq2seq.errors import UserError

if TYPE_CHECKING:
    from keras_seq2seq.config.config import Config


def load_config_file(path: str | os.PathLike) -> dict[str, Any]:
    """Reads a configuration file.

    Names and values are not checked: `resolve_config` and `Config.load` do that.

    Args:
        path: a YAML file with the flags of `keras-seq2seq train` at the top level and the
            hyper-parameters under `hparams`, nested or with dotted names.

    Returns:
        A nested dict.

    Raises:
        UserError: if the file cannot be read or is not a YAML mapping.
    """
    try:
        content = read_yaml(_read_text(path))
    except YamlError as error:
        place = path if error.line is None else f"{path}:{error.line}"
        raise UserError(f"{place}: {error.problem}") from error
    if not isinstance(content, dict):
        found = {type(None): "nothing", list: "a list"}.get(type(content), "a single value")
        raise UserError(f"{path}: expected options such as batch_size: 32, got {found}")
    options: dict[str, Any] = {}
    try:
        for name, value in content.items():
            set_option(options, str(name), value)
    except GivenTwiceError as error:
        raise UserError(f"{path}: {error}") from error
    # A YAML alias may stand inside what it names.
    except RecursionError as error:
        raise UserError(f"{path}: sections are nested without end") from error
    return options


def dump_config(config: Config) -> str:
    """Returns the YAML text from which `Config.load` makes an equal configuration.

    Options stand in the order of their declaration. Those that are not set (None) and those
    that have no effect beside the others are left out.
    """
    # As JSON has it: YAML has no tuples either.
    options = config.model_dump(mode="json", exclude_none=True)
    for path in options_without_effect(config):
        _remove(options, path)
    if not config.bucket_batch_sizes:
        options.pop("bucket_batch_sizes")
    return write_yaml(_without_empty_sections(options))


def _read_text(path: str | os.PathLike) -> str:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot read the configuration: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: expected UTF-8 text") from error


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
