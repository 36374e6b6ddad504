"""HTML pages from templates that are files of a package."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from keras_seq2seq.files.json_text import to_json


@cache
def read_template(package: str, name: str) -> str:
    """Returns the text of a file of a package, with placeholders such as `{{title}}`.

    Args:
        package: The full name of the package.
        name: The name of the file.
    """
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def fill_template(template: str, fields: Mapping[str, str]) -> str:
    """Replaces the placeholders of a template.

    Args:
        template: The template.
        fields: The HTML for each placeholder.
    """
    return re.sub(r"{{(\w+)}}", lambda match: fields[match[1]], template)


def script_data(value: Any) -> str:
    """Returns a value as JSON in which no string can close a script element."""
    return to_json(value, separators=(",", ":")).replace("<", "\\u003c")
