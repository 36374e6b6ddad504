"""Groups of options, and nested dicts of options."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A group of options: unknown names, loose types, infinities and later changes are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def nested_section(field: FieldInfo | None) -> type[Section] | None:
    """Returns the section that is declared as `field`; None if that is a single option."""
    annotation = field.annotation if field is not None else None
    # Not issubclass: Python 3.10 takes `tuple[int, ...]` for a type, and fails there.
    return annotation if isinstance(annotation, type(Section)) else None


def walk_options(
    section: type[Section], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yields the path and the declaration of each option, those of nested sections too."""
    for name, field in section.model_fields.items():
        path = (*prefix, name)
        if nested := nested_section(field):
            yield from walk_options(nested, path)
        else:
            yield path, field


def find_field(section: type[Section], path: Sequence[str]) -> FieldInfo | None:
    """Returns the declaration of what is at `path`, None if there is no such option."""
    *sections, last = path
    for name in sections:
        section = nested_section(section.model_fields.get(name))
        if section is None:
            return None
    return section.model_fields.get(last)


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


CONFLICT = "conflicting_options"


def conflict(option: str, message: str) -> PydanticCustomError:
    """Returns the error that a model validator raises for the dotted `option`."""
    return PydanticCustomError(
        CONFLICT, "{option}: {message}", {"option": option, "message": message}
    )
