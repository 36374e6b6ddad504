"""Validation of options from several sources, with errors that name the source."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import reduce
from typing import Any, TypeVar

from pydantic import ValidationError

from keras_seq2seq.config.option_types import expected_words, join_choices
from keras_seq2seq.config.section import (
    CONFLICT,
    Section,
    find_field,
    has_path,
    merge_options,
    nested_section,
    walk_options,
)
from keras_seq2seq.errors import UserError


@dataclass(frozen=True)
class Layer:
    """Options from one source, which error messages name.

    Args:
        source: the name of the source: a file's path, `--hparams`, `--batch_size`.
        options: nested dict of the options.
        section: the path at which the source's own names start: `("hparams",)` for
            `--hparams`, the whole path for a flag, which sets one option.
    """

    source: str
    options: dict
    section: tuple[str, ...] = ()

    def own_name(self, path: Sequence[str]) -> str:
        """Returns the dotted name of the option at `path` in this source, "" for a flag."""
        return ".".join(path[len(self.section) :])


_LONGEST = 60


def show(value: Any) -> str:
    """Returns `value` as the user wrote it, on one line and not longer than a line should be."""
    if value is None:
        return "nothing"
    # json writes text, true and false as YAML does, but an infinity as "Infinity".
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


# Likeness from 0 to 1, as difflib measures it.
_NEAR = 0.6
_EQUALLY_NEAR = 0.02


def near_misses(name: str, valid_names: Iterable[str]) -> list[str]:
    """Returns the valid names nearest to the dotted `name`: mostly one or none."""
    valid_names = list(valid_names)
    # A section that exists is meant.
    section = name.rpartition(".")[0]
    valid_names = [valid for valid in valid_names if valid.startswith(f"{section}.")] or valid_names
    # The right name in a wrong section, or in none, is nearer than any other spelling.
    candidates = [valid for valid in valid_names if _last(valid) == _last(name)]
    if not candidates:
        # The section alone makes long names alike: the last part must be like the other too.
        candidates = [
            valid
            for valid in valid_names
            if _likeness(name, valid) >= _NEAR and _likeness(_last(name), _last(valid)) >= _NEAR
        ]
    nearest = max((_likeness(name, valid) for valid in candidates), default=0)
    return [valid for valid in candidates if _likeness(name, valid) > nearest - _EQUALLY_NEAR]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


SectionType = TypeVar("SectionType", bound=Section)


def validate_layers(section: type[SectionType], layers: Sequence[Layer]) -> SectionType:
    """Merges `layers`, later ones above earlier ones, and makes a `section` of them.

    A wrong value is an error in a lower layer too, where a higher one replaces it.

    Raises:
        UserError: one line on the first mistake: its source and option, what was expected and
            what was found.
    """
    for layer in layers:
        validate_layer(section, layer)
    options = reduce(merge_options, (layer.options for layer in layers), {})
    for error in _errors(section, options):
        raise UserError(_explain_conflict(layers, error))
    return section.model_validate(options)


def validate_layer(section: type[Section], layer: Layer) -> None:
    """Checks the names and values of one layer. Whether they go with others is left open.

    Raises:
        UserError: as `validate_layers`.
    """
    for error in _errors(section, layer.options):
        # Whether options go together shows only when all are known.
        if error["type"] != CONFLICT:
            raise UserError(_explain(section, layer, error))


def _errors(section: type[Section], options: dict) -> list:
    try:
        section.model_validate(options)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _explain_conflict(layers: Sequence[Layer], error: dict) -> str:
    path = tuple(error["ctx"]["option"].split("."))
    # The topmost layer that has the option: it is its value that counts.
    layer = next(layer for layer in reversed(layers) if has_path(layer.options, path))
    return _locate(layer, path, error["ctx"]["message"])


def _explain(section: type[Section], layer: Layer, error: dict) -> str:
    path, found = error["loc"], error["input"]
    field = find_field(section, path)
    if nested := nested_section(field):
        option, _ = next(walk_options(nested, path))
        expected = f"options such as {layer.own_name(option)}"
    elif field is None or isinstance(found, dict):
        return _explain_unknown(section, layer, _first_option(path, found))
    else:
        expected = expected_words(field)
    return _locate(layer, path, f"expected {expected}, got {show(found)}")


def _explain_unknown(section: type[Section], layer: Layer, path: tuple[str, ...]) -> str:
    name = layer.own_name(path)
    valid_names = [
        layer.own_name(valid)
        for valid, _ in walk_options(section)
        if valid[: len(layer.section)] == layer.section
    ]
    if near := near_misses(name, valid_names):
        choices = join_choices(f'"{valid}"' for valid in near)
        hint = f"did you mean {choices}?"
    else:
        hint = f"expected one of {', '.join(_siblings(section, path))}"
    return f'{layer.source}: unknown option "{name}"; {hint}'


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


def _locate(layer: Layer, path: tuple[str, ...], message: str) -> str:
    return ": ".join(filter(None, (layer.source, layer.own_name(path), message)))
