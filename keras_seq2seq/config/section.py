"""Sections of options, and validation of values from several sources, with errors that name one."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import reduce
from itertools import takewhile
from reprlib import Repr
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from keras_seq2seq.config.option_types import (
    Bounds,
    Expected,
    Option,
    OutOfBounds,
    find_metadata,
    join_choices,
)
from keras_seq2seq.errors import UserError


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


def flatten_options(options: Mapping, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the dotted names and the values of nested options."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from flatten_options(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


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


@dataclass(frozen=True)
class OptionSource:
    """The options of one source.

    Args:
        name: The name of the source in error messages, such as a file's path, `--hparams` or
            `--batch_size`.
        options: A nested dictionary of the options.
        section: The path that the names in this source are relative to: `("hparams",)` for
            `--hparams`, and the full path of the option for a flag, which sets one option.
    """

    name: str
    options: dict
    section: tuple[str, ...] = ()

    def name_of(self, path: Sequence[str]) -> str:
        """Returns the dotted name of an option within this source, which is "" for a flag."""
        return ".".join(path[len(self.section) :])


_LONGEST = 60

# Long lists and numbers are abbreviated before they become text, not after.
_SHORT = Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _LONGEST
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 10 * _LONGEST


def show(value: Any) -> str:
    """Returns a value as the user wrote it, on one line and truncated if it is long."""
    if value is None:
        return "nothing"
    # JSON writes strings, true and false like YAML, but infinity as "Infinity".
    if isinstance(value, (str, bool)):
        shown = json.dumps(value, ensure_ascii=False)
    else:
        shown = _SHORT.repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


# Similarity ratios of difflib, from 0 to 1.
_SIMILAR = 0.6
_TIE = 0.02


def near_misses(name: str, valid_names: Iterable[str]) -> list[str]:
    """Returns the valid names that are most similar to a misspelled one: usually one or none.

    Args:
        name: The misspelled name, which may be dotted.
        valid_names: The valid names.
    """
    valid_names = list(valid_names)
    # If the section exists, only look there.
    section = name.rpartition(".")[0]
    valid_names = [valid for valid in valid_names if valid.startswith(f"{section}.")] or valid_names
    # A correct name in the wrong section, or without a section, beats similar spellings.
    candidates = [valid for valid in valid_names if _last(valid) == _last(name)]
    if not candidates:
        # Long sections make any two names similar, so the last parts must be similar as well.
        candidates = [
            valid
            for valid in valid_names
            if _similarity(name, valid) >= _SIMILAR
            and _similarity(_last(name), _last(valid)) >= _SIMILAR
        ]
    best = max((_similarity(name, valid) for valid in candidates), default=0)
    return [valid for valid in candidates if _similarity(name, valid) > best - _TIE]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _similarity(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


SectionType = TypeVar("SectionType", bound=Section)


def validate_sources(section: type[SectionType], sources: Sequence[OptionSource]) -> SectionType:
    """Merges options from several sources and validates them.

    Args:
        section: The section to create.
        sources: The sources; later ones override earlier ones. An invalid value is an error even
            if a later source overrides it.

    Raises:
        UserError: One line about the first error: source, option, expected and actual value.
    """
    for source in sources:
        validate_source(section, source)
    options = reduce(merge_options, (source.options for source in sources), {})
    for error in _errors(section, options):
        raise UserError(_explain_conflict(sources, error))
    return section.model_validate(options)


def validate_source(section: type[Section], source: OptionSource) -> None:
    """Checks the names and values of one source, but not their consistency with other sources.

    Raises:
        UserError: As `validate_sources`.
    """
    for error in _errors(section, source.options):
        # Conflicts between options can only be detected once all sources are merged.
        if error["type"] != CONFLICT:
            raise UserError(_explain(section, source, error))


def _errors(section: type[Section], options: dict) -> list:
    try:
        section.model_validate(options)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _explain_conflict(sources: Sequence[OptionSource], error: dict) -> str:
    path = tuple(error["ctx"]["option"].split("."))
    # The last source that sets the option determines its value.
    source = next(source for source in reversed(sources) if has_path(source.options, path))
    return _locate(source, path, error["ctx"]["message"])


def _explain(section: type[Section], source: OptionSource, error: dict) -> str:
    # The location ends with the number of an item if that of a list is wrong.
    path = tuple(takewhile(lambda name: isinstance(name, str), error["loc"]))
    found = error["input"]
    field = find_field(section, path)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, OutOfBounds):
        expected = str(cause)
    elif nested := nested_section(field):
        option, _ = next(walk_options(nested, path))
        expected = f"options such as {source.name_of(option)}"
    elif field is None or isinstance(found, dict):
        return _explain_unknown(section, source, _first_option(path, found))
    else:
        expected = explain_bounds(field, found) or expected_words(field)
    return _locate(source, path, f"expected {expected}, got {show(found)}")


def _explain_unknown(section: type[Section], source: OptionSource, path: tuple[str, ...]) -> str:
    name = source.name_of(path)
    valid_names = [
        source.name_of(valid)
        for valid, _ in walk_options(section)
        if valid[: len(source.section)] == source.section
    ]
    if near := near_misses(name, valid_names):
        choices = join_choices(f'"{valid}"' for valid in near)
        hint = f"did you mean {choices}?"
    else:
        hint = f"expected one of {', '.join(_siblings(section, path))}"
    return f'{source.name}: unknown option "{name}"; {hint}'


def _siblings(section: type[Section], path: tuple[str, ...]) -> list[str]:
    for name in path:
        nested = nested_section(section.model_fields.get(name))
        if nested is None:
            break
        section = nested
    return list(section.model_fields)


def _first_option(path: tuple[str, ...], found: Any) -> tuple[str, ...]:
    while isinstance(found, dict) and found:
        name, found = next(iter(found.items()))
        path = (*path, name)
    return path


def _locate(source: OptionSource, path: tuple[str, ...], message: str) -> str:
    return ": ".join(filter(None, (source.name, source.name_of(path), message)))
