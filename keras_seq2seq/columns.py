"""Columns of tables in memory."""

from typing import Any


def plain_items(values: Any) -> Any:
    """Returns an Arrow column as a list of Python values, and anything else unchanged."""
    return values.to_pylist() if hasattr(values, "to_pylist") else values
