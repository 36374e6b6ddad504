"""Tables in memory, and their columns."""

from collections.abc import Mapping
from typing import Any


def is_table(value: Any) -> bool:
    """Returns whether iterating over a value yields the names of columns."""
    return isinstance(value, Mapping) or hasattr(value, "columns")


def plain_items(values: Any) -> Any:
    """Returns an Arrow column as a list of Python values, and anything else unchanged."""
    return values.to_pylist() if hasattr(values, "to_pylist") else values
