"""The types of the options `buckets` and `bucket_batch_sizes`."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from keras_seq2seq.config.option_types import Expected

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
