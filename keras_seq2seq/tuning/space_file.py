"""Files of search spaces."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from keras_seq2seq.config import Config
from keras_seq2seq.config.config_file import load_config_file
from keras_seq2seq.config.section import GivenTwiceError, set_option, walk_options
from keras_seq2seq.config.validate import near_misses, show, validate_source
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.dimension import Choice, Dimension, Range
from keras_seq2seq.tuning.search_space import SearchSpace, option_source

_KINDS = ("choice", "range", "log")
_KEYS = (*_KINDS, "step", "when")
_EXPECTED = "{choice: [...]}, {range: [low, high]} or {log: [low, high]}"

# What is the same for all trials, or set by the search itself.
_FIXED_PREFIXES = ("train_", "dev_", "vocab_", "save_", "keep_", "eval_", "early_")
_FIXED = ("best_metric", "train_steps", "train_epochs")


def load_space(path: str | os.PathLike) -> SearchSpace:
    """Reads a search space from a YAML file.

    Args:
        path: The file. It has the names of `--hparams` and of flags such as `batch_size`, nested
            or dotted, each with what it may be: `{choice: [128, 256]}`, `{range: [1, 4]}` or
            `{log: [1e-4, 1e-2]}`. `step:` is the difference of neighbouring values of a range,
            their factor with `log`. `when: {rnn_cell.num_layers: [2, 3]}` searches an option only
            beside these values of others.

    Raises:
        UserError: If the file cannot be read, or an option is unknown, cannot be searched, or
            has a value that the configuration would refuse. The message names file and option.
    """
    return parse_space(load_config_file(path), os.fspath(path))


def parse_space(options: Mapping[str, Any], source: str = "the search space") -> SearchSpace:
    """Makes a search space of what `load_space` reads from a file.

    Args:
        options: A dictionary by names, nested or dotted.
        source: What error messages name.

    Raises:
        UserError: As `load_space`.

    Example:
        >>> parse_space({"rnn_cell.num_units": {"choice": [128, 256]}})
    """
    nested: dict = {}
    try:
        for name, value in options.items():
            set_option(nested, name, value)
    except GivenTwiceError as error:
        raise UserError(f"{source}: {error}") from error
    nested |= nested.pop("hparams", {})
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
    """Yields the names of options with their descriptions."""
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
    hint = f'did you mean "{near[0]}"?' if near else "expected a name of --hparams or batch_size"
    return f'unknown option "{name}"; {hint}'


def _parse_dimension(name: str, description: Any, source: str) -> Dimension:
    place = f"{source}: {name}"
    if not isinstance(description, dict):
        raise UserError(
            f"{place}: expected {_EXPECTED}, got {show(description)}; what is the same for all "
            "trials belongs into a --config file"
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
    if any(value in values[:place_] for place_, value in enumerate(values)):
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
    least = 1 if is_log else 0
    if step is not None and (type(step) not in (int, float) or step <= least):
        raise UserError(f"{place}: expected a step above {least}, got {show(step)}")
    is_whole = not _takes_fractions(name, low, high, source)
    if is_whole:
        low, high = int(low), int(high)
        if step is not None and type(step) is not int:
            raise UserError(f"{place}: expected a whole number as step, got {show(step)}")
    return Range(name, {}, low, high, is_log, step, is_whole)


def _takes_fractions(name: str, low: float, high: float, source: str) -> bool:
    """Returns whether the option can be a number between two that it can be."""
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
        for name, values in _flatten(when)
    }


def _flatten(options: Mapping, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _in_order(dimensions: dict, conditions: dict, source: str) -> list[Dimension]:
    """Returns the options, those that others depend on first."""
    for name, needed in conditions.items():
        for parent, values in needed.items():
            place = f"{source}: {name}: when: {parent}"
            if parent not in dimensions:
                near = near_misses(parent, dimensions)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                raise UserError(f"{place}: expected another option of the search space{hint}")
            for value in values:
                if not dimensions[parent].contains(value):
                    raise UserError(f"{place}: is never {show(value)} in this search space")
    ordered: dict[str, Dimension] = {}
    while len(ordered) < len(dimensions):
        ready = [
            name
            for name in dimensions
            if name not in ordered and all(parent in ordered for parent in conditions[name])
        ]
        if not ready:
            circle = ", ".join(name for name in dimensions if name not in ordered)
            raise UserError(f"{source}: the conditions of {circle} depend on each other")
        for name in ready:
            fields = vars(dimensions[name]) | {"conditions": conditions[name]}
            ordered[name] = type(dimensions[name])(**fields)
    return list(ordered.values())
