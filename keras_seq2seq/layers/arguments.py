"""Checks of constructor arguments that several layers share."""

from numbers import Integral, Real


def check_size(name, value):
    """Raises `ValueError` unless `value` is an integer of at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={value!r}")


def check_rate(name, value):
    """Raises `ValueError` unless `value` is a number in [0, 1)."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(
            f"`{name}` must be a number of at least 0 and below 1. Received: {name}={value!r}"
        )
