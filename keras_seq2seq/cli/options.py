"""Types of option values, and options shared by several commands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.files.tables import TEXT_TABLES

if TYPE_CHECKING:
    from keras_seq2seq.config.option_types import Flag

# The upper bound of most numbers.
MILLION = 1_000_000


class ConfigNumber(click.ParamType):
    """A number in the syntax of configuration files, such as `1e6`.

    Other text is passed on unchanged, so that the configuration reports it as an error.
    """

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from keras_seq2seq.config.config_file import YamlError, read_yaml

        try:
            number = read_yaml(value)
        except YamlError:
            return value
        return number if type(number) in (int, float) else value


class DirectoryName(click.ParamType):
    """The path of a directory.

    The empty path, such as that of a variable of the shell that is not set, would be the current
    directory.
    """

    name = "DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "":
            self.fail("expected the path of a directory, got an empty one", param, ctx)
        return value


class WholeNumber(click.ParamType):
    """A whole number, with the same error message as in a configuration.

    Args:
        least: The smallest value that is allowed.
        most: The largest value that is allowed.
    """

    name = "N"

    def __init__(self, least: int, most: int = MILLION):
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        # int() alone would also accept "1_0" and digits of other scripts.
        is_number = isinstance(value, int) or (value.isascii() and value.isdigit())
        # It also rejects numbers with thousands of digits.
        shown = value if len(str(value)) <= 60 else f"{value[:60]}..."
        if is_number and (len(str(value)) > 60 or int(value) > self.most):
            self.fail(f'expected at most {self.most}, got "{shown}"', param, ctx)
        if not is_number or int(value) < self.least:
            self.fail(
                f'expected a whole number of at least {self.least}, got "{shown}"', param, ctx
            )
        return int(value)


class RealNumber(click.ParamType):
    """A number within a range; NaN is rejected.

    Args:
        least: The smallest value that is allowed.
        most: The largest value that is allowed.
    """

    name = "N"

    def __init__(self, least: float, most: float):
        self.least = least
        self.most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not self.least <= number <= self.most:
            self.fail(
                f'expected a number from {self.least:.15g} to {self.most:.15g}, got "{value}"',
                param,
                ctx,
            )
        return number


class SwitchValue(click.types.BoolParamType):
    """True or false. An empty value, such as that of an unset shell variable, is an error."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        if value == "":
            self.fail("expected true or false, got nothing", param, ctx)
        return super().convert(value, param, ctx)


class ColumnType(click.ParamType):
    """The name or the number of a column, as in a configuration."""

    name = "COLUMN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        from keras_seq2seq.config.option_types import COLUMN_WORDS, parse_column

        try:
            return parse_column(value)
        except ValueError:
            self.fail(f'expected {COLUMN_WORDS}, got "{value}"', param, ctx)


def model_dirs_option(help: str, **settings: Any) -> Callable:
    """Adds the option `--model_dir`, which may be repeated.

    Args:
        help: The help text.
        **settings: Other arguments of `click.option`.
    """
    return click.option(
        "--model_dir", "model_dirs", type=DirectoryName(), multiple=True, help=help, **settings
    )


def model_dir_option(help: str, **settings: Any) -> Callable:
    """Adds the option `--model_dir`, which can only be given once.

    Args:
        help: The help text.
        **settings: Other arguments of `click.option`.
    """
    return _single_option(
        "--model_dir", "one directory", type=DirectoryName(), help=help, **settings
    )


def config_options(config_help: str, hparams_help: str) -> Callable:
    """Adds the options `--config` and `--hparams`, which may be repeated.

    Args:
        config_help: The help text of `--config`.
        hparams_help: The help text of `--hparams`.
    """
    options = [
        click.option("--config", "config_files", metavar="FILE", multiple=True, help=config_help),
        click.option("--hparams", metavar="NAME=VALUE,...", multiple=True, help=hparams_help),
    ]
    return lambda command: _add_options(command, options)


def unk_mapping_option() -> Callable:
    """Adds the option `--unk_mapping`."""
    return file_option(
        "--unk_mapping",
        help="With --unk_replace: dictionary for translating the source tokens, with lines of the "
        "form source<TAB>target<TAB>probability.",
    )


def column_option(name: str, help: str, *names: str, **settings: Any) -> Callable:
    """Adds an option for a column of a table.

    Args:
        name: The name with its dashes.
        help: The help text.
        *names: The name of its argument, if it is not that of the option.
        **settings: Other arguments of `click.option`.
    """
    return click.option(name, *names, type=ColumnType(), metavar="COLUMN", help=help, **settings)


def input_format_option() -> Callable:
    """Adds the option `--input_format`."""
    return click.option(
        "--input_format",
        type=click.Choice(["text", *TEXT_TABLES]),
        help="Format of the input.  [default: that of the file's name, or text]",
    )


def file_option(name: str, **settings: Any) -> Callable:
    """Adds an option for a text file that is not part of the configuration.

    It can only be given once.

    Args:
        name: The name with its dashes.
        **settings: Other arguments of `click.option`.
    """
    return _single_option(name, "one file", metavar="FILE", **settings)


def names_option(name: str, **settings: Any) -> Callable:
    """Adds an option for names that are separated by commas, which can only be given once.

    Args:
        name: The name with its dashes.
        **settings: Other arguments of `click.option`.
    """
    return _single_option(name, "names separated by commas", metavar="NAME,...", **settings)


def _single_option(name: str, expected: str, **settings: Any) -> Callable:
    """Adds an option that can only be given once.

    For other options, the last value counts, but someone who gives several files wants all of them
    to be used.
    """

    def take_one(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> str | None:
        if len(values) > 1:
            raise click.UsageError(
                f"{name} is given {len(values)} times; expected {expected}.", ctx
            )
        return values[0] if values else None

    return click.option(name, multiple=True, callback=take_one, **settings)


def training_options(command: Callable, names: Sequence[str] | None = None) -> Callable:
    """Adds the flags of `TrainingFlags` to a command.

    The help shows the defaults of the configuration. Flags that are not given have the value
    `None`.

    Args:
        command: The command.
        names: Names of the flags to add. Defaults to all.
    """
    return _add_training_flags(command, lambda name: names is None or name in names)


def data_options(command: Callable) -> Callable:
    """Adds the flags of `TrainingFlags` that determine text and vocabularies."""
    prefixes = ("train_source", "train_target", "train_data", "dev_", "vocab_")
    names = ("source_column", "target_column", "joint_vocabulary", "seed")
    return _add_training_flags(command, lambda name: name.startswith(prefixes + names))


def _add_training_flags(command: Callable, is_wanted: Callable[[str], bool]) -> Callable:
    # Imported here because most commands need no flags of the configuration.
    from keras_seq2seq.config.option_types import walk_flags
    from keras_seq2seq.config.training_flags import TrainingFlags

    flags = [flag for flag in walk_flags(TrainingFlags) if is_wanted(flag.name)]
    return _add_options(command, [_value_option(flag, _help_text(flag)) for flag in flags])


def pair_files(flags: dict[str, Any]) -> dict[str, Any]:
    """Returns the flags of `train`, with as many files of the source side as of the target side.

    If one of the flags is repeated more often than the other, only the last of each counts, as for
    other flags, and a warning says so.
    """
    paired = dict(flags)
    for part in ("train", "dev"):
        names = [f"{part}_source", f"{part}_target"]
        counts = [len(flags.get(name) or ()) for name in names]
        if 0 not in counts and counts[0] != counts[1]:
            paired |= {name: flags[name][-1:] for name in names}
            click.echo(
                f"keras-seq2seq: warning: --{names[0]} and --{names[1]} are given {counts[0]} and "
                f"{counts[1]} times; only the last of each is used (repeat both, or use a pattern)",
                err=True,
            )
    return paired


def decoding_options(command: Callable, taken: Sequence[str] = ()) -> Callable:
    """Adds the flags of `InferenceFlags` to a command.

    The defaults are the model's own, so the help shows none. Flags that are not given have the
    value `None`.

    Args:
        command: The command.
        taken: Names of flags that have another meaning in the command; only their aliases are
            added.
    """
    from keras_seq2seq.config.decoding_flags import InferenceFlags
    from keras_seq2seq.config.option_types import SWITCH, walk_flags

    return _add_options(
        command,
        [
            _switch_option(flag)
            if flag.expected.metavar == SWITCH
            else _value_option(flag, flag.option.description, taken)
            for flag in walk_flags(InferenceFlags)
        ],
    )


def _add_options(command: Callable, options: Iterable[Callable]) -> Callable:
    for option in reversed(list(options)):
        command = option(command)
    return command


def _value_option(flag: Flag, help_text: str, taken: Sequence[str] = ()) -> Callable:
    from keras_seq2seq.config.option_types import NUMBER, SWITCH, TOKENS

    types = {NUMBER: ConfigNumber(), SWITCH: SwitchValue()}
    names = [name for name in flag.names if name not in taken]
    # `--name` alone is `--name true`.
    switch = {"is_flag": False, "flag_value": "true"} if flag.expected.metavar == SWITCH else {}
    callback = None
    if flag.expected.metavar == TOKENS:
        callback = _join_tokens
    elif flag.option.is_repeatable:
        callback = _none_if_not_given
    return click.option(
        *(f"--{name}" for name in names),
        names[0],
        type=types.get(flag.expected.metavar, click.STRING),
        metavar=flag.expected.metavar,
        help=help_text,
        multiple=callback is not None,
        callback=callback,
        **switch,
    )


def _none_if_not_given(ctx: click.Context, param: click.Parameter, values: tuple) -> tuple | None:
    return values or None


def _join_tokens(ctx: click.Context, param: click.Parameter, values: tuple) -> str | None:
    return " ".join(values) if values else None


def _switch_option(flag: Flag) -> Callable:
    return click.option(
        f"--{flag.name}/--no_{flag.name}", default=None, help=flag.option.description
    )


def _help_text(flag: Flag) -> str:
    if flag.default in (None, "", ()):
        return flag.option.description
    default = flag.default
    if isinstance(default, bool):
        default = str(default).lower()
    elif isinstance(default, float):
        default = f"{default:g}"
    return f"{flag.option.description}  [default: {default}]"
