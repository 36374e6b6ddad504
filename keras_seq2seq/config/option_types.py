"""Declaring options: `Option` metadata and the types that option values may have.

An option is an annotated class attribute:

    batch_size: Annotated[PositiveInt, Option("Sentence pairs per batch.")] = 32

pydantic validates values against the annotation; error messages, `--help` and the docs are derived
from its metadata. This module does not import pydantic, so that `--help` stays fast.
"""

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

from keras_seq2seq.special_tokens import MAX_TOKENS


class Option:
    """Metadata of an option.

    Args:
        description: A sentence for `--help` and the docs.
        flag: The name of the command-line flag, if it differs from the option's name.
        aliases: Other names of the flag.
        is_repeatable: Whether the flag may be repeated; its value is a tuple.
        may_change: Whether the option may change when a training run is resumed. Options that
            determine the model or its training may not, except for the names of files, which may
            be moved.
        unused_because: A function that takes the `Config` and returns why the option has no
            effect there, or `None` if it has one. Without it, the option always has an effect.
    """

    def __init__(
        self,
        description: str,
        *,
        flag: str | None = None,
        aliases: tuple[str, ...] = (),
        is_repeatable: bool = False,
        may_change: bool = False,
        unused_because: Callable[[Any], str | None] | None = None,
    ):
        self.description = description
        self.flag = flag
        self.aliases = aliases
        self.is_repeatable = is_repeatable
        self.may_change = may_change
        self.unused_because = unused_because

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable) -> dict:
        return {**handler(schema), "description": self.description}


class Expected:
    """Describes the values that a type accepts.

    Args:
        words: Completes the sentence "expected ..." in error messages.
        metavar: The placeholder of a value in `--help`.
    """

    def __init__(self, words: str, metavar: str):
        self.words = words
        self.metavar = metavar


class Convert:
    """Converts a value before pydantic checks its type; raises `ValueError` if it is wrong."""

    def __init__(self, function: Callable[[Any], Any]):
        self.function = function

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable) -> Any:
        from pydantic_core.core_schema import no_info_before_validator_function

        return no_info_before_validator_function(self.function, handler(source))


class AnyString:
    """Accepts any string, with surrogates too, as in the name of a file that is not UTF-8."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable) -> Any:
        from pydantic_core import core_schema

        unchanged = core_schema.plain_serializer_function_ser_schema(
            lambda value: value, return_schema=core_schema.any_schema()
        )
        return core_schema.is_instance_schema(str, serialization=unchanged)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable) -> dict:
        return {"type": "string", "minLength": 1}


class FileNames(AnyString):
    """Accepts the name of a file, as a string, or several as a tuple of strings."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable) -> Any:
        from pydantic_core import core_schema

        to_yaml = core_schema.plain_serializer_function_ser_schema(
            lambda value: list(value) if isinstance(value, tuple) else value,
            return_schema=core_schema.any_schema(),
            when_used="json",
        )
        return core_schema.no_info_plain_validator_function(_read_names, serialization=to_yaml)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable) -> dict:
        name = {"type": "string", "minLength": 1}
        return {"anyOf": [name, {"type": "array", "items": name, "minItems": 1}]}


class OutOfBounds(ValueError):
    """Raised by the function of `Convert`, with words that complete "expected ..."."""


class Limits:
    """Limits of a value: `ge`, `gt`, `le`, `lt` or `min_length`, as in `pydantic.Field`.

    They apply to the type itself, so they precede any `Convert`.
    """

    def __init__(self, **limits: float):
        self.limits = limits

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable) -> Any:
        return {**handler(source), **self.limits}


class Bounds(Limits):
    """The range of numbers that are of practical use.

    Much larger numbers, in a configuration by someone else, could otherwise take all memory or all
    day. Error messages state the bound that a number exceeds.

    Args:
        most: The largest number, if there is such a bound.
        least: The smallest positive number, if there is such a bound.
    """

    def __init__(self, most: float | None = None, least: float | None = None):
        limits = {"le": most, "ge": least}
        super().__init__(**{name: limit for name, limit in limits.items() if limit is not None})
        self.most = most
        self.least = least

    def explain(self, value: Any) -> str | None:
        """Returns the bound that a value exceeds in words, or `None` if it does not."""
        if type(value) not in (int, float) or not math.isfinite(value):
            return None
        if self.most is not None and value > self.most:
            return f"at most {self.most:.15g}"
        if self.least is not None and 0 < value < self.least:
            return f"at least {self.least:g}"
        return None


def find_metadata(kind: type, annotation: Any, metadata: Iterable, default: Any = None) -> Any:
    """Returns the first object of a class in the metadata of a type.

    Args:
        kind: The class, such as `Expected`.
        annotation: The type without its metadata. If it is a union, the metadata of its members
            is searched too.
        metadata: The metadata of the type.
        default: What to return if there is none.
    """
    metadata = list(metadata)
    for member in get_args(annotation):
        metadata += getattr(member, "__metadata__", ())
    return next((item for item in metadata if isinstance(item, kind)), default)


class Flag(NamedTuple):
    """A declared flag.

    Attributes:
        name: The name of the flag on the command line, without dashes.
        path: The path of the option in its class, such as `("beam_search", "beam_width")`.
        default: The default; `None` and empty values mean that nothing is set.
        option: The metadata of the option.
        expected: The values it accepts.
    """

    name: str
    path: tuple[str, ...]
    default: Any
    option: Option
    expected: Expected

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the flag and its aliases."""
        return self.name, *self.option.aliases


def walk_flags(declarations: type, prefix: tuple[str, ...] = ()) -> Iterator[Flag]:
    """Yields the flags that a class such as `TrainingFlags` declares, including nested ones."""
    for name, annotation in get_type_hints(declarations, include_extras=True).items():
        path = (*prefix, name)
        if isinstance(annotation, type):
            yield from walk_flags(annotation, path)
            continue
        option, expected = (
            find_metadata(kind, annotation.__origin__, annotation.__metadata__)
            for kind in (Option, Expected)
        )
        yield Flag(option.flag or name, path, getattr(declarations, name), option, expected)


def join_choices(choices: Iterable[str]) -> str:
    """Returns "a, b or c"."""
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


_MAX_LISTED_CHOICES = 3


def one_of(*names: str, **other_spellings: str) -> Any:
    """Returns the type of an option with a fixed set of values.

    Args:
        *names: The values.
        **other_spellings: Alternative spellings, each mapped to one of the values.
    """

    def normalize(value: Any) -> Any:
        return other_spellings.get(value, value) if isinstance(value, str) else value

    metavar = f"[{'|'.join(names)}]" if len(names) <= _MAX_LISTED_CHOICES else "NAME"
    return Annotated[Literal[names], Convert(normalize), Expected(join_choices(names), metavar)]


def _whole_float_to_int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The maximum number of items of a list.
_MAX_ITEMS = 1_000


def _path_to_text(value: Any) -> Any:
    if value == "":
        raise ValueError("empty")
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _read_names(value: Any) -> str | tuple[str, ...]:
    """Returns the name of a file, or the names of several."""
    names = value if isinstance(value, (list, tuple)) else [value]
    if len(names) > _MAX_ITEMS:
        raise OutOfBounds(f"at most {_MAX_ITEMS:,} files or patterns")
    names = tuple(map(_path_to_text, names))
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("not a path")
    return names if len(names) > 1 else names[0]


def parse_column(value: Any) -> int | str:
    """Returns the number or the name of a column.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(value, str) and re.fullmatch("[0-9]{1,6}", value):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if (is_number and not 1 <= value <= _MILLION) or not (is_number or isinstance(value, str)):
        raise ValueError("not a column")
    if value == "":
        raise ValueError("empty")
    return value


def _check_pattern(value: Any) -> Any:
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        raise ValueError("not a regular expression") from error
    return value


def _split_at_spaces(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(value) if isinstance(value, list) else value


NUMBER, SWITCH, TOKENS = "N", "true|false", "TOKENS"
COLUMN_WORDS = "the name of a column, or its number starting with 1"

Switch = Annotated[bool, Expected("true or false", SWITCH)]
# Strings rather than pathlib.Path, which would turn "gs://bucket" into "gs:/bucket".
FilePath = Annotated[
    str, AnyString(), Convert(_path_to_text), Expected("the path of a file", "FILE")
]
FilePaths = Annotated[
    str | tuple[str, ...],
    FileNames(),
    Expected("the path of a file, or a list of paths", "FILE"),
]
Column = Annotated[str | int, Convert(parse_column), Expected(COLUMN_WORDS, "COLUMN")]
DirectoryPath = Annotated[
    str, AnyString(), Convert(_path_to_text), Expected("the path of a directory", "DIR")
]
Pattern = Annotated[str, Convert(_check_pattern), Expected("a regular expression", "REGEX")]
Tokens = Annotated[
    tuple[str, ...], Convert(_split_at_spaces), Expected("tokens separated by spaces", TOKENS)
]


def _whole_number(least: int, most: int) -> Any:
    words = f"a whole number of at least {least}"
    return Annotated[int, Limits(ge=least), Bounds(most), Expected(words, NUMBER)]


_MILLION, _BILLION, _TRILLION = 10**6, 10**9, 10**12

PositiveInt = _whole_number(1, _MILLION)
NonNegativeInt = _whole_number(0, _MILLION)
# Sizes of layers, and numbers that multiply the memory that a batch needs.
UnitCount = _whole_number(1, 16_384)
LayerCount = _whole_number(1, 100)
BeamWidth = _whole_number(0, 1_000)
VocabularySize = _whole_number(1, MAX_TOKENS)
NBestSize = _whole_number(2, 1_000)
RiskSampleCount = _whole_number(2, 1_000)
HypothesisCount = _whole_number(1, 1_000)
SampleCount = _whole_number(0, 1_000)
DecodeLength = _whole_number(1, 100_000)
# Large numbers of steps are often written as 1e6.
PositiveSteps = Annotated[_whole_number(1, _TRILLION), Convert(_whole_float_to_int)]
NonNegativeSteps = Annotated[_whole_number(0, _TRILLION), Convert(_whole_float_to_int)]
# The range that NumPy accepts.
Seed = Annotated[
    int, Limits(ge=0, le=2**32 - 1), Expected("a whole number from 0 to 4294967295", NUMBER)
]


def _number(words: str, *bounds: Bounds, **limits: float) -> Any:
    return Annotated[(float, Limits(**limits), *bounds, Expected(words, NUMBER))]


PositiveFloat = _number("a number above 0", Bounds(_BILLION), gt=0)
NonNegativeFloat = _number("a number of at least 0", Bounds(_BILLION), ge=0)
# Dividing logits by a smaller temperature would overflow.
Temperature = _number("a number above 0", Bounds(1_000, least=0.001), gt=0)
Probability = _number("a probability above 0 and at most 1", gt=0, le=1)
# Dropout divides by it.
KeepProbability = _number("a number above 0 and at most 1", Bounds(least=0.001), gt=0, le=1)
ProperFraction = _number("a number of at least 0 and below 1", ge=0, lt=1)
InnerFraction = _number("a number above 0 and below 1", gt=0, lt=1)


# int() would also accept "1_0" and digits of other scripts.
_BOUNDARY = re.compile(r"0*[1-9][0-9]*(x0*[1-9][0-9]*)?", re.ASCII)


def _read_boundaries(value: Any) -> tuple[int | str, ...] | str:
    if value == "auto":
        return value
    items = [_read_boundary(item) for item in _split_at_commas(value)]
    numbers = [item for item in items if isinstance(item, int)]
    if len(numbers) == len(items) and sorted(set(numbers)) != numbers:
        raise ValueError("not strictly increasing")
    return tuple(items)


def _read_boundary(item: Any) -> int | str:
    if type(item) not in (int, str) or not _BOUNDARY.fullmatch(str(item)):
        raise ValueError("not a boundary")
    # int() refuses numbers with thousands of digits.
    if any(len(part) > 10 or int(part) > _MILLION for part in str(item).split("x")):
        raise OutOfBounds(f"numbers of at most {_MILLION}")
    return item if "x" in str(item) else int(item)


def _read_batch_sizes(value: Any) -> tuple[int, ...]:
    items = [_read_boundary(item) for item in _split_at_commas(value)]
    if not all(isinstance(item, int) for item in items):
        raise ValueError("not whole numbers")
    return tuple(items)


def _read_first_and_last(value: Any) -> tuple[int, ...]:
    # int() would also accept "1_0" and digits of other scripts.
    items = [str(item) for item in _split_at_commas(value)]
    if not all(re.fullmatch("[0-9]{1,10}", item) for item in items):
        raise ValueError("not whole numbers")
    steps = tuple(map(int, items))
    if len(steps) != 2 or not 1 <= steps[0] <= steps[1]:
        raise ValueError("not a first and a last step")
    return steps


def _split_at_commas(value: Any) -> list:
    """Returns the items of a list, which flags write as "10,15,20"."""
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",")]
    # A YAML file may have a single number in place of a list.
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(items) > _MAX_ITEMS:
        raise OutOfBounds(f"at most {_MAX_ITEMS} numbers")
    return items


Buckets = Annotated[
    tuple[int | str, ...] | Literal["auto"],
    Convert(_read_boundaries),
    Expected(
        "increasing whole numbers of at least 1, such as 10,15,20, or lengths of source and "
        "target, such as 10x12,15x15, or auto",
        "LENGTH,...",
    ),
]
BatchSizes = Annotated[
    tuple[int, ...],
    Convert(_read_batch_sizes),
    Expected("whole numbers of at least 1, such as 128,64,32", "N,..."),
]
DataWeights = Annotated[
    tuple[int, ...],
    Convert(_read_batch_sizes),
    Expected("whole numbers of at least 1, such as 1,3", "N,..."),
]
ProfileSteps = Annotated[
    tuple[int, ...],
    Convert(_read_first_and_last),
    Expected("a first and a last step, such as 100,110", "FIRST,LAST"),
]
