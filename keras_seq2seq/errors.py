"""Errors that the command line reports in one line, without a traceback."""


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
