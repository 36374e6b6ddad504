"""The program `keras-seq2seq`."""

import sys

import click

import keras_seq2seq
from keras_seq2seq.cli.lazy_group import LazyGroup
from keras_seq2seq.errors import RunError, UserError

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
