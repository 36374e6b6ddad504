"""Reading and writing YAML, configuration files and the text of `--hparams`."""

from __future__ import annotations

import os
import re
from typing import Any

import yaml

from keras_seq2seq.config.section import GivenTwiceError, set_option, show
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import atomic_file, read_small_file
from keras_seq2seq.files.reading import read_small_file_if_any


class YamlError(ValueError):
    """Text is not valid YAML.

    Attributes:
        problem: The problem in words.
        line: The 1-based line number, `None` if it is unknown.
    """

    def __init__(self, problem: str, line: int | None = None):
        super().__init__(problem)
        self.problem = problem
        self.line = line


def read_yaml(text: str) -> Any:
    """Parses YAML.

    Raises:
        YamlError: If the text is not valid YAML.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except YamlError:
        raise
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError("expected text, got a control character", line) from error
    except yaml.MarkedYAMLError as error:
        problem = f"not valid YAML: {error.problem}" if error.problem else "not valid YAML"
        raise YamlError(problem, error.problem_mark.line + 1) from error
    # Errors that PyYAML does not wrap: `!!bool x`, numbers with thousands of digits, deep nesting.
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise YamlError("not valid YAML: a value cannot be read") from error


# A configuration has a few kilobytes and about a hundred values.
_MAX_BYTES = 2**18
_MAX_VALUES = 100_000


def _check_size(node: yaml.Node):
    """Checks that a document stays small when its aliases are replaced by what they refer to.

    Raises:
        YamlError: If not. A few lines of aliases of aliases can have billions of values, and an
            alias within the node that it refers to stands for infinitely many.
    """
    sizes: dict[int, int | None] = {}

    def measure(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = None
            children = [] if isinstance(node, yaml.ScalarNode) else node.value
            if isinstance(node, yaml.MappingNode):
                children = [child for pair in children for child in pair]
            sizes[id(node)] = 1 + sum(map(measure, children))
        size = sizes[id(node)]
        if size is None:
            raise YamlError("a value contains itself", node.start_mark.line + 1)
        return size

    if measure(node) > _MAX_VALUES:
        raise YamlError(
            f"too many values; expected at most {_MAX_VALUES} (aliases count each time)"
        )


def write_yaml(value: Any) -> str:
    """Returns YAML text that `read_yaml` parses to `value`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        # PyYAML silently keeps the last of several equal keys.
        names = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError("expected the name of an option before the colon", line)
            if key.value in names:
                raise YamlError(f'option "{key.value}" is given twice', line)
            names.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    def represent_str(self, text: str) -> yaml.ScalarNode:
        # PyYAML treats these as line breaks unless they are escaped in double quotes.
        style = '"' if any(end in text for end in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.represent_str)


# PyYAML implements YAML 1.1, where 1e-3 is text, 010 is 8, 1:30 is 90 and "no" is false. These
# are the scalars of YAML 1.2, each with its possible first characters.
_SCALARS = {
    "null": (r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
}
_Loader.yaml_implicit_resolvers = {}
# The dumper keeps the YAML 1.1 scalars too, so that it quotes text that either version would
# read as another type.
for _dialect in (_Loader, _Dumper):
    for _name, (_pattern, _starts) in _SCALARS.items():
        _dialect.add_implicit_resolver(
            f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _starts
        )
for _type in (int, float):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:{_type.__name__}",
        lambda loader, node, type_=_type: type_(loader.construct_scalar(node)),
    )


# The first and the last line of the files that this package writes, by which a truncated file is
# recognized even if it is valid YAML. Files that people write have neither of them.
_FIRST_LINE = "# Written by keras-seq2seq. A complete file ends with: # end"
_LAST_LINE = "# end"


def save_config_file(path: str | os.PathLike, text: str):
    """Writes a configuration file, atomically.

    Args:
        path: The file.
        text: The YAML text.
    """
    with atomic_file(path) as file:
        file.write(f"{_FIRST_LINE}\n{text}{_LAST_LINE}\n")


def is_saved_config(path: str | os.PathLike) -> bool:
    """Returns whether a file exists that `save_config_file` wrote."""
    content = read_small_file_if_any(path, _MAX_BYTES) or b""
    return content.startswith(_FIRST_LINE.encode())


def load_config_file(path: str | os.PathLike) -> dict[str, Any]:
    """Reads a configuration file.

    Names and values are not checked: `resolve_config` and `Config.load` do that.

    Args:
        path: A YAML file with the flags of `keras-seq2seq train` at the top level and the
            hyperparameters under `hparams`, nested or with dotted names.

    Returns:
        A nested dictionary.

    Raises:
        UserError: If the file cannot be read, was cut off, or is not a YAML mapping.
    """
    try:
        content = read_yaml(_read_text(path))
    except YamlError as error:
        place = path if error.line is None else f"{path}:{error.line}"
        raise UserError(f"{place}: {error.problem}") from error
    if not isinstance(content, dict):
        found = {type(None): "nothing", list: "a list"}.get(type(content), "a single value")
        raise UserError(f"{path}: expected options such as batch_size: 32, got {found}")
    options: dict[str, Any] = {}
    try:
        for name, value in content.items():
            set_option(options, str(name), value)
    except GivenTwiceError as error:
        raise UserError(f"{path}: {error}") from error
    return options


def _read_text(path: str | os.PathLike) -> str:
    content = read_small_file(path, _MAX_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: expected UTF-8 text") from error
    if text.startswith(_FIRST_LINE) and _LAST_LINE not in text.splitlines():
        raise UserError(
            f"{path}: incomplete file, without the line {_LAST_LINE}; copy it again, or remove the "
            "first line if the options are complete"
        )
    return text


def parse_hparams(text: str) -> dict[str, Any]:
    """Parses comma-separated `name=value` items.

    Whitespace around items and empty items are ignored. Values are parsed as YAML. Names and values
    are not checked: `resolve_config` does that.

    Args:
        text: The items.

    Returns:
        A nested dictionary.

    Raises:
        UserError: If an item has no `=`, a value cannot be parsed, or a name appears twice.

    Example:

    >>> parse_hparams("rnn_cell.num_layers=2, rnn_cell.type=GRUCell")
    {'rnn_cell': {'num_layers': 2, 'type': 'GRUCell'}}
    """
    options: dict[str, Any] = {}
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, equals, value = item.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UserError(f"--hparams: expected name=value, got {show(item)}")
        if len(lines := item.splitlines()) > 1:
            raise UserError(f"--hparams: expected a comma before {show(lines[-1].strip())}")
        try:
            set_option(options, name, read_yaml(value))
        except YamlError as error:
            raise UserError(f"--hparams: {name}: cannot read {show(value)}") from error
        except GivenTwiceError as error:
            raise UserError(f"--hparams: {error}") from error
    return options
