"""Typed, validated configuration of a training run.

Names are imported when they are first used, so that the command line can read the declarations of
flags without importing pydantic.
"""

import warnings
from importlib import import_module
from typing import Any

_MODULE_OF = {
    "DECODING_OPTIONS": "decoding_flags",
    "Config": "config",
    "HyperParameters": "hyper_parameters",
    "InferenceOptions": "hyper_parameters",
    "OptimizerOptions": "optimizer",
    "OptionDescription": "config",
    "RnnCellOptions": "hyper_parameters",
    "describe_difference": "config",
    "describe_hparams": "config",
    "dump_config": "config",
    "identity": "config",
    "input_files": "config",
    "is_saved_config": "config_file",
    "load_config_file": "config_file",
    "options_that_may_change": "config",
    "override_decoding": "config",
    "parse_hparams": "config_file",
    "resolve_config": "config",
    "set_if_open": "config",
}
_RENAMED = {"Inference": "InferenceOptions", "RnnCell": "RnnCellOptions"}

__all__ = [*_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        new_name = _RENAMED[name]
        warnings.warn(
            f"{__name__}.{name} is now called {new_name}", DeprecationWarning, stacklevel=2
        )
        return __getattr__(new_name)
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
