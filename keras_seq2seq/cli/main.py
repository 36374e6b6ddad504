"""The program `keras-seq2seq`."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

import keras_seq2seq
from keras_seq2seq.errors import RunError, UserError


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


PROGRAM = "keras-seq2seq"

# What a shell reports for a program ended by Ctrl-C.
INTERRUPTED = 130


@click.group(
    cls=LazyGroup,
    command_names=(
        "train",
        "tune",
        "translate",
        "evaluate",
        "score",
        "average",
        "vocab",
        "data",
        "demo",
    ),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": lambda token: token.replace("-", "_"),
    },
    invoke_without_command=True,
    epilog="Start with `keras-seq2seq demo`. Flags may be spelled with - for _.",
)
@click.version_option(keras_seq2seq.__version__)
@click.pass_context
def cli(ctx: click.Context):
    """Train recurrent encoder-decoders with attention on pairs of sequences, and use them."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: list[str] | None = None):
    """Runs the program and exits: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted.

    Args:
        args: the arguments after the program's name, those of the shell if None.
    """
    try:
        status = cli.main(args, prog_name=PROGRAM, standalone_mode=False)
    except click.UsageError as error:
        status = _report(error.format_message(), error.exit_code, _help_hint(error))
    except (UserError, RunError) as error:
        status = _report(str(error), error.exit_status)
    except click.Abort:
        status = INTERRUPTED
    except OSError as error:
        # A full disk and the like, at a place where nobody expects it.
        status = _report(str(error), RunError.exit_status)
    sys.exit(status or 0)


def _report(message: str, status: int, hint: str = "") -> int:
    # A path may hold a line feed; the message is one line all the same.
    click.echo(f"{PROGRAM}: error: {' '.join(message.split())}{hint}", err=True)
    return status


def _help_hint(error: click.UsageError) -> str:
    if error.ctx is None:
        return ""
    return f"\nTry '{error.ctx.command_path} --help' for help."
