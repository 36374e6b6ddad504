"""Imports run only downwards: which part of the package may import which others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import keras_seq2seq

PACKAGE = Path(keras_seq2seq.__file__).parent

# Names without imports of their own, which all may use.
FREE = {"cores", "errors", "special_tokens"}

# Those that are imported beside the own one. `cli` may import any, but not before a command runs:
# see the test of its help pages.
MAY_IMPORT = {part: set() for part in ("config", "data", "metrics")}
MAY_IMPORT |= {part: set() for part in ("backend", *FREE)}
MAY_IMPORT |= {
    "decoding": {"backend"},
    "layers": {"backend"},
    "losses": {"backend"},
    "models": {"backend", "layers", "losses"},
    "plots": {"data"},
    "model_builder": {"config", "layers", "models"},
    "model_directory": {"config", "data", "model_builder", "models"},
    "scoring": {"data", "model_directory", "models"},
    "search_builder": {"config", "data", "decoding"},
    "translator": {
        *("backend", "config", "data", "decoding", "model_directory", "models", "search_builder")
    },
    "callbacks": {"backend", "data", "metrics", "models", "plots", "translator"},
    "evaluation": {"metrics", "scoring", "translator"},
}
MAY_IMPORT |= {"training": set(MAY_IMPORT)}
MAY_IMPORT |= {"tuning": set(MAY_IMPORT)}
MAY_IMPORT |= {"demo": set(MAY_IMPORT) - {"tuning"}}

# Runs on any backend of Keras.
WITHOUT_TENSORFLOW = {"decoding", "layers", "losses", "metrics", "models"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if part_of(path) in MAY_IMPORT]


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "expected absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_a_part_imports_only_those_below_it(path):
    part = part_of(path)
    names = [f"{name}.__init__".split(".") for name in imported_modules(path)]
    imported = {name[1] for name in names if name[0] == PACKAGE.name}
    assert imported - MAY_IMPORT[part] - FREE - {part, "__version__"} == set()


def test_no_part_is_forgotten():
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")}
    assert parts == MAY_IMPORT.keys() | {"__init__", "__main__", "cli"}


@pytest.mark.parametrize(
    "path", [path for path in files() if part_of(path) in WITHOUT_TENSORFLOW], ids=name_of
)
def test_models_need_no_particular_backend(path):
    backends = ("tensorflow", "torch", "jax")
    assert [name for name in imported_modules(path) if name.startswith(backends)] == []


def test_parts_import_each_other_in_one_direction():
    remaining = {part: set(below) for part, below in MAY_IMPORT.items()}
    while remaining:
        lowest = {part for part, below in remaining.items() if not below & remaining.keys()}
        assert lowest, f"a circle among {sorted(remaining)}"
        remaining = {part: below for part, below in remaining.items() if part not in lowest}
