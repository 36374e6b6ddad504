"""Commands that are imported when they are asked for."""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group of commands, each imported when it is run or listed.

    Args:
        command_names: the commands in the order of the help page. The command `train` is the
            function `train` of the module `keras_seq2seq.cli.train`.
        **options: those of `click.Group`.
    """

    def __init__(self, *, command_names: Sequence[str], **options: Any):
        super().__init__(**options)
        self._command_names = list(command_names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._command_names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._command_names:
            return None
        return getattr(import_module(f"keras_seq2seq.cli.{cmd_name}"), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        # Options are left to click, which knows those of the group.
        if name.startswith("-") or name in self._command_names:
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, self._command_names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
