"""Columns of tables in memory."""

from typing import Any


def plain_items(values: Any) -> Any:
    """Returns a list of Python values for an Arrow column, whose items are not; else `values`."""
    return values.to_pylist() if hasattr(values, "to_pylist") else values
