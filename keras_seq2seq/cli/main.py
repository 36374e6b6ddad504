"""The entry point of the command line."""

import re
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

import keras_seq2seq
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files.standard_streams import LenientStream, discard_output, prepared_streams
from keras_seq2seq.wording import in_one_line


class LazyGroup(click.Group):
    """A group of commands, each of which is imported when it is run or listed.

    Args:
        command_names: The names of the commands in the order of the help page. The command `train`
            is the function `train` in the module `keras_seq2seq.cli.train`.
        **options: Options of `click.Group`.
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter):
        # click's own method shortens the descriptions to a single line.
        names = self.list_commands(ctx)
        commands = [(name, self.get_command(ctx, name)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=200)) for name, command in commands]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        # click handles the options of the group.
        if name.startswith("-") or name in self._command_names:
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, self._command_names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise click.UsageError(f"No such command '{name}'.{hint}", ctx)


PROGRAM = "keras-seq2seq"

# The exit status of a program that was stopped by Ctrl-C.
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
        "export",
        "serve",
        "vocab",
        "prepare",
        "inspect",
        "data",
        "demo",
    ),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": lambda token: token.replace("-", "_"),
    },
    # Without the dots of click, which look like text that was cut.
    subcommand_metavar="[COMMAND] [ARGS]",
    invoke_without_command=True,
    epilog="Start with `keras-seq2seq demo`. Flags may be written with - instead of _.",
)
@click.version_option(keras_seq2seq.__version__)
@click.pass_context
def cli(ctx: click.Context):
    """Train and use recurrent encoder-decoder models with attention."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: list[str] | None = None):
    """Runs the program and exits.

    The exit status is 0 for success, 1 for a failed run, 2 for invalid usage or input and 130 for
    an interrupted run. If the reader of standard output exits, as `head` does, the program stops
    without a message and with status 1.

    Args:
        args: The arguments without the program name; `None` for those of the shell.
    """
    with prepared_streams():
        status = _run(args)
    sys.exit(status or 0)


def _run(args: list[str] | None) -> int | None:
    try:
        status = cli.main(args, prog_name=PROGRAM, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except click.UsageError as error:
        return _report(error.format_message(), error.exit_code, _help_hint(error))
    except (UserError, RunError) as error:
        return _report(str(error), error.exit_status)
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output(sys.stdout)
        return RunError.exit_status
    except OSError as error:
        # Unexpected system errors such as a full disk, which standard output may be on.
        if sys.stdout is not None:
            LenientStream(sys.stdout).flush()
        return _report(str(error), RunError.exit_status)
    except MemoryError:
        return _report("out of memory; try a smaller --batch_size", RunError.exit_status)
    except Exception as error:
        # Without importing TensorFlow, which takes seconds and which only some commands need.
        if not _is_tensorflow_error(error):
            raise
        return _report(_describe_tensorflow_error(error), RunError.exit_status)


def _is_tensorflow_error(error: Exception) -> bool:
    """Returns whether an error is a `tf.errors.OpError`, such as of a file that has vanished."""
    return any(
        kind.__name__ == "OpError" and kind.__module__.startswith("tensorflow.")
        for kind in type(error).__mro__
    )


# The lines around the message of an operation: where it is in the code and in the graph.
_PLACES = re.compile(
    r"Graph execution error:|Detected at node |File \"|<stack traces|\d+ root error"
)
_NODE = re.compile(r"\s*(\[\[.*?\]\]|\[Op:\w+\]( name:.*)?|\{\{function_node .*?\}\})")


def _describe_tensorflow_error(error: Exception) -> str:
    """Returns the line of the message that states the problem."""
    lines = [_NODE.sub("", line).strip() for line in str(error.message).splitlines()]
    lines = [line for line in lines if line and not _PLACES.match(line)]
    # An error of this package that was raised within a pipeline.
    own_error = re.compile(rf"(.*\W)?({'|'.join(_names_of(UserError))}): ")
    own = [own_error.sub("", line) for line in lines if own_error.match(line)]
    return (own or lines or [type(error).__name__])[0]


def _names_of(kind: type) -> Iterator[str]:
    """Yields the names of a class and of all its subclasses."""
    yield kind.__name__
    for subclass in kind.__subclasses__():
        yield from _names_of(subclass)


def _report(message: str, status: int, hint: str = "") -> int:
    click.echo(f"{PROGRAM}: error: {in_one_line(message)}{hint}", err=True)
    return status


def _help_hint(error: click.UsageError) -> str:
    if error.ctx is None:
        return ""
    return f"\nTry '{error.ctx.command_path} --help' for help."
