"""The configuration of a run, from files and the command line."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from keras_seq2seq.config.config import Config
from keras_seq2seq.config.config_file import load_config_file
from keras_seq2seq.config.hparams_string import parse_hparams
from keras_seq2seq.config.layer import Layer
from keras_seq2seq.config.validate import validate_layers


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
