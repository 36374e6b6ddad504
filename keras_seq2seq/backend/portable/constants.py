"""Weights that no longer change."""

from contextlib import nullcontext


def fixed_weights():
    """Lets the block make use of it that weights do not change any more: here nothing does."""
    return nullcontext()


def tabulated(function, ids, count):
    """Returns `function(ids)`, which here is computed.

    Args:
        function: Function of integers, whose result depends on them and on weights alone.
        ids: Integer tensor `(...)`, below `count`.
        count: Integer.
    """
    return function(ids)
