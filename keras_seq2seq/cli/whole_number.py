"""Whole numbers on the command line."""

from typing import Any

import click


class WholeNumber(click.ParamType):
    """A whole number, refused in the words that the configuration uses.

    Args:
        least: the least value that is allowed.
    """

    name = "N"

    def __init__(self, least: int):
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        # Not int() alone: it also takes "1_0" and digits of other scripts.
        is_number = isinstance(value, int) or (value.isascii() and value.isdigit())
        if not is_number or int(value) < self.least:
            self.fail(
                f'expected a whole number of at least {self.least}, got "{value}"', param, ctx
            )
        return int(value)
