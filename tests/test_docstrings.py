"""The docstrings of all public classes and functions have the sections that apply."""

import inspect
import re
from importlib import import_module

import pytest

PACKAGES = (
    "callbacks",
    "data",
    "decoding",
    "evaluation",
    "layers",
    "losses",
    "models",
    "plots",
    "schedules",
    "text",
    "training",
    "translator",
)


def public_objects() -> dict:
    """Returns the classes and functions of the package by their full names."""
    found = {}
    for package in ("", *(f".{name}" for name in PACKAGES)):
        module = import_module(f"keras_seq2seq{package}")
        for name in getattr(module, "__all__", vars(module)):
            value = getattr(module, name)
            is_own = getattr(value, "__module__", "").startswith(module.__name__)
            if is_own and callable(value) and not name.startswith("_"):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


OBJECTS = public_objects()


def parameters(function) -> list[str]:
    names = inspect.signature(function).parameters
    return [name for name in names if name not in ("self", "args", "kwargs")]


def has_section(value, name: str) -> bool:
    return re.search(rf"^{name}:$", inspect.getdoc(value) or "", re.MULTILINE) is not None


@pytest.mark.parametrize("name", OBJECTS)
def test_sections(name):
    value = OBJECTS[name]
    docstring = inspect.getdoc(value)
    assert docstring and docstring.splitlines()[0].endswith((".", ":")), "expected a summary"
    is_class = inspect.isclass(value)
    if is_class and has_section(value, "Attributes"):
        return  # A result, which users do not create.
    if docstring.startswith(("Deprecated", "Base class")):
        return
    missing = []
    if parameters(value) and not has_section(value, "Args"):
        missing.append("Args")
    if not is_class and has_result(value) and not has_section(value, "Returns"):
        missing.append("Returns")
    if not has_section(value, "Example"):
        missing.append("Example")
    assert not missing


def has_result(function) -> bool:
    source = inspect.getsource(function)
    return re.search(r"^\s+(return|yield) .", source, re.MULTILINE) is not None
