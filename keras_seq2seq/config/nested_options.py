"""Nested dicts of options: `{"rnn_cell": {"num_units": 256}}` for `rnn_cell.num_units`."""

from collections.abc import Mapping, Sequence
from typing import Any


class GivenTwiceError(ValueError):
    """An option that a single source gives twice."""

    def __init__(self, name: str):
        super().__init__(f'option "{name}" is given twice')


def set_option(options: dict, name: str, value: Any) -> None:
    """Sets the dotted `name` in `options`; a mapping as `value` sets all that it holds.

    Raises:
        GivenTwiceError: if `options` has a value for `name`, or for a section of it.
    """
    if isinstance(value, Mapping) and value:
        for nested_name, nested_value in value.items():
            set_option(options, f"{name}.{nested_name}", nested_value)
        return
    *sections, last = name.split(".")
    for section in sections:
        options = options.setdefault(section, {})
        if not isinstance(options, dict):
            raise GivenTwiceError(name)
    if last in options:
        raise GivenTwiceError(name)
    options[last] = value


def merge_options(below: Mapping, above: Mapping) -> dict:
    """Returns the options of both; where both have a value it is that of `above`."""
    merged = dict(below)
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            value = merge_options(merged[name], value)
        merged[name] = value
    return merged


def has_path(options: Any, path: Sequence[str]) -> bool:
    """Tells whether `options` has a value at `path`."""
    for name in path:
        if not isinstance(options, Mapping) or name not in options:
            return False
        options = options[name]
    return True


def get_path(section: Any, path: Sequence[str]) -> Any:
    """Returns the value at `path` of a section."""
    for name in path:
        section = getattr(section, name)
    return section
