"""The types of option values, each with the words that error messages and the docs use for it."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Expected:
    """What a value must be, in words that finish the sentence "expected ..."."""

    words: str


def expected_words(field: FieldInfo) -> str:
    """Returns what the option declared as `field` must hold, in words."""
    metadata = list(field.metadata)
    # In `X | None` the metadata of X is that of the union's member.
    for member in get_args(field.annotation):
        metadata += getattr(member, "__metadata__", ())
    return next(item.words for item in metadata if isinstance(item, Expected))


def join_choices(choices: Iterable[str]) -> str:
    """Returns "a, b or c"."""
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def one_of(*names: str, **other_spellings: str) -> Any:
    """Returns the type of an option that takes one of `names`.

    Args:
        *names: the values.
        **other_spellings: further spellings, each with the name that it stands for.
    """

    def normalise(value: Any) -> Any:
        return other_spellings.get(value, value) if isinstance(value, str) else value

    return Annotated[Literal[names], BeforeValidator(normalise), Expected(join_choices(names))]


def _whole_float_to_int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _path_to_text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError("not a regular expression") from error
    return value


Switch = Annotated[bool, Expected("true or false")]
# Text and not pathlib.Path, which would make "gs:/bucket" of "gs://bucket".
FilePath = Annotated[
    str, Field(min_length=1), BeforeValidator(_path_to_text), Expected("the path of a file")
]

DirectoryPath = Annotated[
    str, Field(min_length=1), BeforeValidator(_path_to_text), Expected("the path of a directory")
]
Pattern = Annotated[str, AfterValidator(_check_pattern), Expected("a regular expression")]

PositiveInt = Annotated[int, Field(ge=1), Expected("a whole number of at least 1")]
NonNegativeInt = Annotated[int, Field(ge=0), Expected("a whole number of at least 0")]
# Counts of steps are large: people write them as 1e6.
PositiveSteps = Annotated[PositiveInt, BeforeValidator(_whole_float_to_int)]
NonNegativeSteps = Annotated[NonNegativeInt, BeforeValidator(_whole_float_to_int)]
# The range that NumPy accepts.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1), Expected("a whole number from 0 to 4294967295")]

PositiveFloat = Annotated[float, Field(gt=0), Expected("a number above 0")]
NonNegativeFloat = Annotated[float, Field(ge=0), Expected("a number of at least 0")]
KeepProbability = Annotated[float, Field(gt=0, le=1), Expected("a number above 0 and at most 1")]
ProperFraction = Annotated[float, Field(ge=0, lt=1), Expected("a number of at least 0 and below 1")]
InnerFraction = Annotated[float, Field(gt=0, lt=1), Expected("a number above 0 and below 1")]


# int() alone would also take "1_0" and digits of other scripts.
_BOUNDARY = re.compile(r"0*[1-9][0-9]*(x0*[1-9][0-9]*)?", re.ASCII)


def _read_boundaries(value: Any) -> tuple[int | str, ...] | str:
    if value == "auto":
        return value
    items = [_read_boundary(item) for item in split(value)]
    numbers = [item for item in items if isinstance(item, int)]
    if len(numbers) == len(items) and sorted(set(numbers)) != numbers:
        raise ValueError("not strictly increasing")
    return tuple(items)


def _read_boundary(item: Any) -> int | str:
    if type(item) not in (int, str) or not _BOUNDARY.fullmatch(str(item)):
        raise ValueError("not a boundary")
    return item if "x" in str(item) else int(item)


def _read_batch_sizes(value: Any) -> tuple[int, ...]:
    items = [_read_boundary(item) for item in split(value)]
    if not all(isinstance(item, int) for item in items):
        raise ValueError("not whole numbers")
    return tuple(items)


def split(value: Any) -> list:
    """Returns the items of what flags write as 10,15,20 and files as lists too."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    # A single number comes from a YAML file as it is.
    return list(value) if isinstance(value, (list, tuple)) else [value]


Buckets = Annotated[
    tuple[int | str, ...] | Literal["auto"],
    BeforeValidator(_read_boundaries),
    Expected(
        "increasing whole numbers of at least 1, such as 10,15,20, or lengths of source and "
        "target, such as 10x12,15x15, or auto"
    ),
]
BatchSizes = Annotated[
    tuple[int, ...],
    BeforeValidator(_read_batch_sizes),
    Expected("whole numbers of at least 1, such as 128,64,32"),
]


def _read_steps(value: Any) -> tuple[int, ...]:
    # int() alone would also take "1_0" and digits of other scripts.
    items = [str(item) for item in split(value)]
    if not all(item.isascii() and item.isdigit() for item in items):
        raise ValueError("not whole numbers")
    steps = tuple(map(int, items))
    if len(steps) != 2 or not 1 <= steps[0] <= steps[1]:
        raise ValueError("not a first and a last step")
    return steps


ProfileSteps = Annotated[
    tuple[int, ...],
    BeforeValidator(_read_steps),
    Expected("a first and a last step, such as 100,110"),
]
