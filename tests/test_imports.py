"""Imports run only downwards: which part of the package may import which others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import keras_seq2seq

PACKAGE = Path(keras_seq2seq.__file__).parent

# Modules without imports of their own, which all may use.
FREE = {
    "beam_tree",
    "columns",
    "defaults",
    "errors",
    "registration",
    "special_tokens",
    "tensorflow_settings",
    "wording",
}

# The tiers from the lowest up; each part with those that it may import beside itself.
LIBRARY = {
    "backend": set(),
    "files": set(),
    "schedules": set(),
    "text": {"files"},
    "data": {"files", "text"},
    "layers": {"backend"},
    "losses": {"backend"},
    "decoding": {"backend"},
    "models": {"backend", "decoding", "files", "layers", "losses"},
    "translator": {"backend", "decoding", "files", "models", "text"},
    "runtime": {"files", "text", "translator"},
    "evaluation": set(),
    "plots": {"data", "files"},
    "callbacks": {"backend", "evaluation", "files", "models", "plots", "text", "translator"},
}
BUILDERS = {
    "config": {"evaluation", "files", "text"},
    "building": {*LIBRARY, "config"} - {"callbacks", "plots", "translator"},
    "model_directory": {*LIBRARY, "building", "config"} - {"callbacks", "plots"},
    "export": {*LIBRARY, "config", "model_directory"} - {"callbacks", "plots"},
}
# `cli` may import anything, but not before a command runs: see the test of its help pages.
APPLICATION = {
    "training": {*LIBRARY, *BUILDERS},
    "tuning": {*LIBRARY, *BUILDERS, "training"},
    "demo": {*LIBRARY, *BUILDERS, "training"},
    "serving": {"files", "plots", "runtime", "translator"},
}
MAY_IMPORT = {part: set() for part in FREE} | LIBRARY | BUILDERS | APPLICATION

# Runs on any backend of Keras.
WITHOUT_TENSORFLOW = {
    "decoding",
    "evaluation",
    "layers",
    "losses",
    "models",
    "runtime",
    "schedules",
    "translator",
}

# Methods of the library that may import a part of a higher tier, inside of the function.
EXCEPTIONS = {
    ("translator/translator.py", "load"),
    ("translator/translator.py", "save"),
    ("translator/translator.py", "export"),
    ("translator/scorer.py", "load"),
    # COMET runs on PyTorch, whatever the backend.
    ("evaluation/comet.py", "_count_gpus"),
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if part_of(path) in MAY_IMPORT]


def imported_modules(path: Path) -> Iterator[str]:
    """Yields what a file imports, for types only or within functions too, but for EXCEPTIONS."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    excepted = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and (name_of(path), function.name) in EXCEPTIONS:
            excepted.update(map(id, ast.walk(function)))
    for node in ast.walk(tree):
        if id(node) in excepted:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "expected absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_a_part_imports_only_those_below_it(path):
    part = part_of(path)
    names = [f"{name}.__init__".split(".") for name in imported_modules(path)]
    imported = {name[1] for name in names if name[0] == PACKAGE.name}
    assert imported - MAY_IMPORT[part] - FREE - {part, "__version__"} == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name_of)
def test_modules_that_are_imported_exist(path):
    """Imports within functions only run when the function does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == PACKAGE.name:
            module = PACKAGE.parent.joinpath(*node.module.split("."))
            assert module.with_suffix(".py").exists() or (module / "__init__.py").exists()


def test_the_library_imports_no_config():
    assert not set().union(*LIBRARY.values()) & (BUILDERS.keys() | APPLICATION.keys())


def test_exceptions_exist():
    for file, function in EXCEPTIONS:
        assert f"def {function}(" in (PACKAGE / file).read_text(encoding="utf-8")


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


def test_no_module_imports_itself_in_a_circle():
    """Imports for types only count too; an import of a package counts as one of its module."""
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    graph = {
        module: {
            imported
            for name in imported_modules(path)
            for imported in (name, name.rpartition(".")[0])
            if imported in modules and imported != module
        }
        for module, path in modules.items()
    }
    while graph:
        lowest = {module for module, below in graph.items() if not below & graph.keys()}
        assert lowest, f"a circle among {sorted(graph)}"
        graph = {module: below for module, below in graph.items() if module not in lowest}
