"""Validation of options from several sources, with errors that name the source."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeVar

from pydantic import ValidationError

from keras_seq2seq.config.conflict import CONFLICT
from keras_seq2seq.config.layer import Layer
from keras_seq2seq.config.near_misses import near_misses
from keras_seq2seq.config.nested_options import has_path, merge_options
from keras_seq2seq.config.option_types import expected_words, join_choices
from keras_seq2seq.config.section import Section, find_field, nested_section, walk_options
from keras_seq2seq.config.show import show
from keras_seq2seq.errors import UserError

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
