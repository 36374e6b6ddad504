"""What editors and type checkers see of the package."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_seq2seq

ROOT = Path(keras_seq2seq.__file__).parents[1]
SCRIPTS = Path(__file__).parent / "fixtures" / "types"
CONSUMER, MISTAKES = SCRIPTS / "consumer.py", SCRIPTS / "mistakes.py"

MYPY_OUTPUT = re.compile(r"^\S+:(\d+): error: ", re.MULTILINE)
PYRIGHT_OUTPUT = re.compile(r":(\d+):\d+ - error: ")


def static_names() -> dict[str, str]:
    """Returns the modules of the names that `__init__.py` imports for type checkers."""
    tree = ast.parse(Path(keras_seq2seq.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    found = {}
    for node in block.body:
        for alias in node.names:
            assert alias.asname == alias.name, "type checkers only export `X as X`"
            found[alias.name] = node.module
    return found


def test_static_and_lazy_names_agree():
    expected = {name: f"keras_seq2seq.{part}" for name, part in keras_seq2seq._MODULE_OF.items()}
    expected |= dict.fromkeys(keras_seq2seq._PACKAGES, "keras_seq2seq")
    assert static_names() == expected
    assert sorted(keras_seq2seq.__all__) == sorted([*expected, "__version__"])


def test_the_package_is_marked_as_typed():
    assert (Path(keras_seq2seq.__file__).parent / "py.typed").exists()


def mypy(script: Path, directory: Path) -> set[int]:
    """Returns the numbers of the lines with errors."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--cache-dir", directory]
    return lines_with_errors([*command, script], MYPY_OUTPUT, directory)


def pyright(script: Path, directory: Path) -> set[int]:
    """Returns the numbers of the lines with errors."""
    pytest.importorskip("pyright")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, script]
    return lines_with_errors(command, PYRIGHT_OUTPUT, directory)


def lines_with_errors(command: list, pattern: re.Pattern, directory: Path) -> set[int]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=directory,
        env={**os.environ, "MYPYPATH": os.fspath(ROOT), "PYTHONPATH": os.fspath(ROOT)},
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = {int(number) for number in pattern.findall(done.stdout)}
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return found


@pytest.mark.parametrize("check", [mypy, pyright])
def test_a_script_of_a_user_passes(check, tmp_path):
    assert check(CONSUMER, tmp_path) == set()


@pytest.mark.parametrize("check", [mypy, pyright])
def test_mistakes_are_found(check, tmp_path):
    lines = MISTAKES.read_text(encoding="utf-8").splitlines()
    expected = {number for number, line in enumerate(lines, 1) if "  # " in line}
    assert check(MISTAKES, tmp_path) == expected


@pytest.mark.skipif(importlib.util.find_spec("jedi") is None, reason="needs jedi")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(jedi|parso)")
def test_editors_complete_names():
    import jedi

    def complete(code: str) -> set[str]:
        project = jedi.Project(ROOT, added_sys_path=[os.fspath(ROOT)])
        return {found.name for found in jedi.Script(code, project=project).complete()}

    assert set(keras_seq2seq.__all__) <= complete("import keras_seq2seq\nkeras_seq2seq.")
    assert "AttentionSeq2Seq" in complete("from keras_seq2seq import Att")
    loaded = "from keras_seq2seq import Translator\nTranslator.load('model')."
    assert {"stream", "translate"} <= complete(loaded)
    assert "GRUCell" in complete("import keras_seq2seq\nkeras_seq2seq.layers.GRU")
