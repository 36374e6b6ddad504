"""YAML as people expect it: `1e-3` is a number, `no` and `010` are no surprises."""

import re
from typing import Any

import yaml


class YamlError(ValueError):
    """Text that is not YAML: `problem` in words, at `line` (from 1; None if it is unknown)."""

    def __init__(self, problem: str, line: int | None = None):
        super().__init__(problem)
        self.problem = problem
        self.line = line


def read_yaml(text: str) -> Any:
    """Returns the value that `text` holds.

    Raises:
        YamlError: if `text` is not YAML.
    """
    try:
        return yaml.load(text, _Loader)
    except YamlError:
        raise
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError("expected text, got a control character", line) from error
    except yaml.MarkedYAMLError as error:
        problem = f"not valid YAML: {error.problem}" if error.problem else "not valid YAML"
        raise YamlError(problem, error.problem_mark.line + 1) from error
    # What PyYAML lets through: `!!bool x`, numbers of thousands of digits, endless nesting.
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        raise YamlError("not valid YAML: a value cannot be read") from error


def write_yaml(value: Any) -> str:
    """Returns text that `read_yaml` reads as `value`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        # PyYAML keeps the last of equal keys without a word.
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
        # PyYAML folds these as line ends, unless they are escaped in double quotes.
        style = '"' if any(end in text for end in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.represent_str)


# PyYAML follows YAML 1.1, where 1e-3 is text, 010 is 8, 1:30 is 90 and "no" is false. These
# are the scalars of YAML 1.2, each with the characters that it starts with.
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
# The dumper keeps those of YAML 1.1 too, and so quotes what any reader may take for no text.
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
