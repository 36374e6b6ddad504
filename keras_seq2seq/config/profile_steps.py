"""The type of the option `profile_steps`."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from keras_seq2seq.config.buckets import split
from keras_seq2seq.config.option_types import Expected


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
