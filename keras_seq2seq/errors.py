"""Errors that the command line reports in one line, and checks of arguments."""

from numbers import Integral, Real


class UserError(Exception):
    """An error in the usage or the input.

    The message states what was found, what was expected, and how to fix it.
    """

    exit_status = 2


class InputError(UserError, ValueError):
    """Data with invalid values. It is also a `ValueError`, which Keras raises in such cases."""


class RunError(Exception):
    """A failure during a run with valid usage and input, such as a full disk."""

    exit_status = 1


def check_at_least(least: int, **values: int):
    """Raises `UserError` unless all values are integers of at least `least`.

    Args:
        least: The smallest value that is allowed.
        values: The values, by the names of their arguments.
    """
    for name, value in values.items():
        if not isinstance(value, Integral):
            raise UserError(f"{name} is {value!r}; expected a whole number")
        if value < least:
            raise UserError(f"{name} is {value}; expected at least {least}")


def check_seed(seed) -> int:
    """Returns a seed, possibly a number of NumPy, as an `int`.

    Raises:
        InputError: If it is not a whole number.
    """
    if not isinstance(seed, Integral):
        raise InputError(f"seed is {seed!r}; expected a whole number")
    return int(seed)


def check_integer(name, value, least=1):
    """Returns an integer, possibly of NumPy, as an `int`.

    Raises:
        ValueError: If it is not an integer of at least `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(
            f"`{name}` must be an integer of at least {least}. Received: {name}={value!r}"
        )
    return int(value)


def check_not_negative(name, value):
    """Raises `ValueError` unless `value` is a number of at least 0."""
    if not isinstance(value, Real) or value < 0:
        raise ValueError(f"`{name}` must be a number of at least 0. Received: {name}={value!r}")
