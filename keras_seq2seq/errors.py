"""Errors that the shell reports in one line, without a traceback."""


class UserError(Exception):
    """A mistake in usage or input: says what was found, what was expected, how to mend it."""

    exit_status = 2


class RunError(Exception):
    """A run that failed although its usage and input were right."""

    exit_status = 1
