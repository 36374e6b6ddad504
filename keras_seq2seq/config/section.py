"""Sections of options, and nested dictionaries of option values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from keras_seq2seq.config.option_types import Bounds, Expected, Option, find_metadata


class Section(BaseModel):
    """A group of options.

    Instances cannot be modified. Unknown names, values of another type, infinities and NaN are
    errors.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def option_of(field: FieldInfo) -> Option:
    """Returns the metadata of the option that a field declares."""
    return find_metadata(Option, field.annotation, field.metadata)


def expected_words(field: FieldInfo) -> str:
    """Returns the values that the option of a field accepts, in words."""
    return find_metadata(Expected, field.annotation, field.metadata).words


def explain_bounds(field: FieldInfo, value: Any) -> str | None:
    """Returns the bound of an option that a value exceeds in words, or `None`."""
    bounds = find_metadata(Bounds, field.annotation, field.metadata)
    return None if bounds is None else bounds.explain(value)


def nested_section(field: FieldInfo | None) -> type[Section] | None:
    """Returns the section that a field declares, or `None` if it declares a single option."""
    annotation = field.annotation if field is not None else None
    # Not issubclass: on Python 3.10, `tuple[int, ...]` counts as a type but fails there.
    return annotation if isinstance(annotation, type(Section)) else None


def walk_options(
    section: type[Section], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yields the path and the field of each option, including those of nested sections."""
    for name, field in section.model_fields.items():
        path = (*prefix, name)
        if nested := nested_section(field):
            yield from walk_options(nested, path)
        else:
            yield path, field


def find_field(section: type[Section], path: Sequence[str]) -> FieldInfo | None:
    """Returns the field at a path, or `None` if there is none."""
    *sections, last = path
    for name in sections:
        section = nested_section(section.model_fields.get(name))
        if section is None:
            return None
    return section.model_fields.get(last)


class GivenTwiceError(ValueError):
    """An option appears twice in the same source."""

    def __init__(self, name: str):
        super().__init__(f'option "{name}" is given twice')


def set_option(options: dict, name: str, value: Any) -> None:
    """Sets an option in a nested dictionary.

    Args:
        options: The nested dictionary.
        name: The dotted name of the option or section.
        value: The value of the option, or a mapping with the values of a section.

    Raises:
        GivenTwiceError: If the option, or a section that contains it, already has a value.
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


def merge_options(base: Mapping, overrides: Mapping) -> dict:
    """Returns the options of both nested dictionaries; `overrides` takes precedence."""
    merged = dict(base)
    for name, value in overrides.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            value = merge_options(merged[name], value)
        merged[name] = value
    return merged


def has_path(options: Any, path: Sequence[str]) -> bool:
    """Returns whether a nested dictionary has a value at a path."""
    for name in path:
        if not isinstance(options, Mapping) or name not in options:
            return False
        options = options[name]
    return True


CONFLICT = "conflicting_options"


def conflict(option: str, message: str) -> PydanticCustomError:
    """Returns the error to raise in a model validator if options contradict each other.

    Args:
        option: The dotted name of the option at fault.
        message: The problem in words.
    """
    return PydanticCustomError(
        CONFLICT, "{option}: {message}", {"option": option, "message": message}
    )
