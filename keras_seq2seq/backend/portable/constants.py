"""Weights that no longer change."""

from contextlib import nullcontext


def fixed_weights():
    """Lets the block make use of it that weights do not change any more: here nothing does."""
    return nullcontext()
