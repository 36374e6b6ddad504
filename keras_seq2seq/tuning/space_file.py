"""Reading search spaces from YAML files."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from keras_seq2seq.config import Config
from keras_seq2seq.config.config_file import load_config_file
from keras_seq2seq.config.section import (
    GivenTwiceError,
    flatten_options,
    near_misses,
    set_option,
    show,
    validate_source,
    walk_options,
)
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.dimension import Choice, Dimension, Range
from keras_seq2seq.tuning.search_space import SearchSpace, option_source

_KINDS = ("choice", "range", "log")
_KEYS = (*_KINDS, "step", "when")
_EXPECTED = "{choice: [...]}, {range: [low, high]} or {log: [low, high]}"

# Options that are the same for all trials, or that the search itself sets.
_FIXED_PREFIXES = ("train_", "dev_", "vocab_", "save_", "keep_", "eval_", "early_")
_FIXED = ("best_metric", "train_steps", "train_epochs")


def load_space(path: str | os.PathLike) -> SearchSpace:
    """Reads a search space from a YAML file.

    The file maps names of `--hparams`, or of flags such as `batch_size`, to their values. Names
    may be nested or dotted.

    - `{choice: [128, 256]}`: one of the listed values
    - `{range: [1, 4]}`: uniform between two numbers; `step: 0.5` restricts it to multiples of the
      step, counted from the lower end
    - `{log: [1e-4, 1e-2]}`: log-uniform between two numbers; `step: 10` is the factor between
      neighboring values
    - `when: {rnn_cell.num_layers: [2, 3]}`: an additional key that makes the option conditional;
      it is only searched if the other options have one of the listed values

    Args:
        path: The path of the file.

    Returns:
        A `SearchSpace`.

    Raises:
        UserError: If the file cannot be read, or an option is unknown, cannot be searched, or has
            an invalid value. The message names the file and the option.
    """
    return parse_space(load_config_file(path), os.fspath(path))


def parse_space(options: Mapping[str, Any], source: str = "the search space") -> SearchSpace:
    """Creates a search space from a dictionary in the format of `load_space`.

    Args:
        options: Dictionary from names, nested or dotted, to their values.
        source: String, the name of the space in error messages.

    Returns:
        A `SearchSpace`.

    Raises:
        UserError: If an option is unknown, cannot be searched, or has an invalid value.

    Example:
        >>> parse_space({"rnn_cell.num_units": {"choice": [128, 256]}})
    """
    nested: dict = {}
    try:
        for name, value in options.items():
            set_option(nested, name, value)
    except GivenTwiceError as error:
        raise UserError(f"{source}: {error}") from error
    hparams = nested.pop("hparams", {})
    if not isinstance(hparams, dict):
        raise UserError(f"{source}: hparams: expected names and their values, got {show(hparams)}")
    nested |= hparams
    names = [
        name
        for path, _ in walk_options(Config)
        if (name := ".".join(path).removeprefix("hparams."))
        and name not in _FIXED
        and not name.startswith(_FIXED_PREFIXES)
    ]
    dimensions = {}
    conditions = {}
    for name, description in _find(nested, names, source):
        place = f"{source}: {name}"
        conditions[name] = _parse_conditions(description, place)
        dimensions[name] = _parse_dimension(name, description, source)
    if not dimensions:
        raise UserError(f"{source}: expected options such as optimizer.learning_rate: {_EXPECTED}")
    return SearchSpace(_in_order(dimensions, conditions, source), source)


def _find(options: Mapping, names: list[str], source: str, prefix: str = "") -> Iterator:
    """Yields the dotted name and the description of each option."""
    for key, value in options.items():
        name = f"{prefix}{key}"
        if name in names:
            yield name, value
        elif isinstance(value, dict) and not set(value) & set(_KEYS):
            yield from _find(value, names, source, f"{name}.")
        else:
            raise UserError(f"{source}: {_explain_unknown(name, names)}")


def _explain_unknown(name: str, names: list[str]) -> str:
    if name in Config.model_fields:
        return f'"{name}" cannot be searched: it is the same for all trials'
    near = near_misses(name, names)
    hint = f'did you mean "{near[0]}"?' if near else "expected a name from --hparams, or batch_size"
    return f'unknown option "{name}"; {hint}'


def _parse_dimension(name: str, description: Any, source: str) -> Dimension:
    place = f"{source}: {name}"
    if not isinstance(description, dict):
        raise UserError(
            f"{place}: expected {_EXPECTED}, got {show(description)}; options that are the same "
            "for all trials belong in a --config file"
        )
    for key in description:
        if key not in _KEYS:
            near = near_misses(key, _KEYS)
            hint = f'did you mean "{near[0]}"?' if near else f"expected {_EXPECTED}"
            raise UserError(f'{place}: unknown "{key}"; {hint}')
    kinds = [kind for kind in _KINDS if kind in description]
    if len(kinds) != 1:
        raise UserError(
            f"{place}: expected one of {_EXPECTED}, got {' and '.join(kinds) or 'none'}"
        )
    values = description[kinds[0]]
    if not isinstance(values, list) or not values:
        raise UserError(f"{place}: expected a list after {kinds[0]}, got {show(values)}")
    for value in values:
        _check_value(name, value, source)
    if kinds[0] == "choice":
        return _parse_choice(name, values, description, place)
    return _parse_range(name, values, description, kinds[0] == "log", source)


def _check_value(name: str, value: Any, source: str):
    validate_source(Config, option_source(source, name, value))


def _parse_choice(name: str, values: list, description: dict, place: str) -> Choice:
    if "step" in description:
        raise UserError(f"{place}: step has no effect on a choice; leave it out")
    if any(value in values[:index] for index, value in enumerate(values)):
        raise UserError(f"{place}: a value is given twice in {show(values)}")
    return Choice(name, {}, tuple(values))


def _parse_range(name: str, values: list, description: dict, is_log: bool, source: str) -> Range:
    place = f"{source}: {name}"
    if len(values) != 2 or any(type(value) not in (int, float) for value in values):
        raise UserError(f"{place}: expected two numbers [low, high], got {show(values)}")
    low, high = values
    if low >= high:
        raise UserError(f"{place}: expected [low, high] with low below high, got {show(values)}")
    if is_log and low <= 0:
        raise UserError(f"{place}: expected log: [low, high] with low above 0, got {show(values)}")
    step = description.get("step")
    lower_bound = 1 if is_log else 0
    if step is not None and (type(step) not in (int, float) or step <= lower_bound):
        raise UserError(f"{place}: expected a step above {lower_bound}, got {show(step)}")
    is_whole = not _accepts_fractions(name, low, high, source)
    if is_whole:
        low, high = int(low), int(high)
        if step is not None and type(step) is not int:
            raise UserError(f"{place}: expected a whole number as step, got {show(step)}")
    return Range(name, {}, low, high, is_log, step, is_whole)


def _accepts_fractions(name: str, low: float, high: float, source: str) -> bool:
    """Returns whether the option may have a fractional value between two valid values."""
    # An irrational share of the range, so that the value is a fraction for any ends.
    fraction = low + (high - low) * 0.38196601125
    try:
        _check_value(name, fraction, source)
    except UserError:
        return False
    return True


def _parse_conditions(description: Any, place: str) -> dict[str, tuple]:
    if not isinstance(description, dict) or "when" not in description:
        return {}
    when = description["when"]
    if not isinstance(when, dict) or not when:
        raise UserError(f"{place}: expected when: {{option: [values]}}, got {show(when)}")
    return {
        name: tuple(values) if isinstance(values, list) else (values,)
        for name, values in flatten_options(when)
    }


def _in_order(dimensions: dict, conditions: dict, source: str) -> list[Dimension]:
    """Returns the options in an order in which conditions refer to earlier options only."""
    for name, needed in conditions.items():
        for parent, values in needed.items():
            place = f"{source}: {name}: when: {parent}"
            if parent not in dimensions:
                near = near_misses(parent, dimensions)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                raise UserError(f"{place}: expected another option of the search space{hint}")
            for value in values:
                if not dimensions[parent].contains(value):
                    raise UserError(
                        f"{place}: {show(value)} is not one of its values in this search space"
                    )
    ordered: dict[str, Dimension] = {}
    while len(ordered) < len(dimensions):
        ready = [
            name
            for name in dimensions
            if name not in ordered and all(parent in ordered for parent in conditions[name])
        ]
        if not ready:
            cycle = ", ".join(name for name in dimensions if name not in ordered)
            raise UserError(f"{source}: the conditions of {cycle} depend on each other")
        for name in ready:
            fields = vars(dimensions[name]) | {"conditions": conditions[name]}
            ordered[name] = type(dimensions[name])(**fields)
    return list(ordered.values())
