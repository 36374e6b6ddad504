"""Errors that the command line reports in one line, without a traceback."""


class UserError(Exception):
    """An error in usage or input. The message says what was found and how to fix it."""

    exit_status = 2


class RunError(Exception):
    """A failure at run time, with valid usage and input."""

    exit_status = 1
