"""The type of the option `buckets`."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from keras_seq2seq.config.option_types import Expected


def _read_boundaries(value: Any) -> tuple[int, ...]:
    if isinstance(value, str):
        # int() alone would also take "1_0" and digits of other scripts.
        items = [item.strip() for item in value.split(",")]
        if not all(item.isascii() and item.isdigit() for item in items):
            raise ValueError("not a list of whole numbers")
        boundaries = [int(item) for item in items]
    else:
        # A single boundary comes from a YAML file as a bare number.
        boundaries = value if isinstance(value, (list, tuple)) else [value]
    if any(type(boundary) is not int for boundary in boundaries):
        raise ValueError("not whole numbers")
    if any(low >= high for low, high in zip((0, *boundaries), boundaries, strict=False)):
        raise ValueError("not positive and strictly increasing")
    return tuple(boundaries)


Buckets = Annotated[
    tuple[int, ...],
    BeforeValidator(_read_boundaries),
    Expected("increasing whole numbers of at least 1, such as 10,15,20"),
]
