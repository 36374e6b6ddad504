import os
import signal
import subprocess
import sys

import click
import pytest
import tensorflow as tf

import keras_seq2seq
from keras_seq2seq.cli import demo as demo_module
from keras_seq2seq.cli.main import cli, main
from keras_seq2seq.errors import RunError, UserError

COMMANDS = cli.list_commands(None)
SLOW_TO_IMPORT = ["tensorflow", "keras", "pydantic", "numpy", "matplotlib", "rich"]


@pytest.fixture
def run_raising(run, monkeypatch):
    """Runs a command that raises an error."""

    def run_program(error):
        @click.command()
        def failing():
            raise error

        monkeypatch.setattr(demo_module, "demo", failing)
        return run("demo")

    return run_program


@pytest.mark.parametrize("args", [[], ["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_imports_nothing_slow(args):
    program = (
        "import sys\n"
        "from keras_seq2seq.cli.main import main\n"
        "try:\n"
        f"    main({args})\n"
        "except SystemExit as exit:\n"
        f"    slow = set({SLOW_TO_IMPORT}) & set(sys.modules)\n"
        "    sys.exit(f'{exit.code} {slow}' if exit.code or slow else 0)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"Usage: keras-seq2seq {args[0] if len(args) > 1 else ''}")


def test_help_lists_the_commands(run):
    output = run("--help").output
    assert [command for command in COMMANDS if f"\n  {command} " not in output] == []


def test_version(run):
    assert run("--version").output == f"keras-seq2seq, version {keras_seq2seq.__version__}\n"


def test_runs_as_a_module():
    args = [sys.executable, "-m", "keras_seq2seq", "--version"]
    result = subprocess.run(args, capture_output=True, text=True)
    assert result.stdout == f"keras-seq2seq, version {keras_seq2seq.__version__}\n"


def test_an_unknown_command_names_the_near_miss(run):
    result = run("trian")
    assert result.status == 2
    assert result.errors == (
        "keras-seq2seq: error: No such command 'trian'. Did you mean 'train'?\n"
        "Try 'keras-seq2seq --help' for help.\n"
    )


def test_an_unknown_option_names_the_near_miss(run):
    result = run("train", "--bach_size=3")
    assert result.status == 2
    first, hint = result.errors.splitlines()
    assert first.startswith("keras-seq2seq: error: No such option")
    assert "--bach_size" in first and "--batch_size" in first
    assert hint == "Try 'keras-seq2seq train --help' for help."


@pytest.mark.parametrize(("error_class", "status"), [(UserError, 2), (RunError, 1)])
def test_an_error_is_one_line_without_a_traceback(run_raising, error_class, status):
    result = run_raising(error_class("a\nfile: no such file"))
    assert result == (status, "", "keras-seq2seq: error: a file: no such file\n")


def test_a_full_disk_is_a_failed_run(run_raising):
    result = run_raising(OSError(28, "No space left on device", "model/model.keras"))
    assert result.status == 1
    assert result.errors == (
        "keras-seq2seq: error: [Errno 28] No space left on device: 'model/model.keras'\n"
    )


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (MemoryError(), "out of memory; try a smaller --batch_size"),
        (
            tf.errors.NotFoundError(
                None,
                None,
                "Graph execution error:\n\nDetected at node IteratorGetNext defined at (most "
                "recent call last):\n<stack traces unavailable>\n"
                "train.txt; No such file or directory\n"
                "\t [[{{node IteratorGetNext}}]] [Op:__inference_multi_step_on_iterator_5821]",
            ),
            "train.txt; No such file or directory",
        ),
        (
            tf.errors.UnknownError(
                None,
                None,
                "{{function_node __wrapped__IteratorGetNext}} keras_seq2seq.errors.UserError: "
                "train.gz:7: damaged gzip data\nTraceback (most recent call last):\n\n  File ...",
            ),
            "train.gz:7: damaged gzip data",
        ),
        (tf.errors.ResourceExhaustedError(None, None, "OOM [Op:MatMul]"), "OOM"),
        (tf.errors.InternalError(None, None, ""), "InternalError"),
    ],
    ids=["memory", "vanished file", "damaged file", "tensor", "no message"],
)
def test_a_failure_of_tensorflow_is_one_line(run_raising, raised, line):
    assert run_raising(raised) == (1, "", f"keras-seq2seq: error: {line}\n")


def test_an_interrupt_has_the_status_of_an_interrupt(run_raising):
    assert run_raising(KeyboardInterrupt()) == (130, "", "\n")


INTERRUPTED_IMPORT = """
import os, signal, sys
from keras_seq2seq import __main__

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[0]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
del sys.argv[0]
__main__.main()
"""


# `keras` is imported while the output is open.
@pytest.mark.parametrize("module", ["click", "keras"])
def test_ctrl_c_ends_the_program_during_imports(module, tmp_path):
    (tmp_path / "text").write_text("a\n")
    command = ["score", "--model_dir=model", "--source=text", "--target=text", "--output=scores"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT, module, *command],
        cwd=tmp_path,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
    assert os.listdir(tmp_path) == ["text"]


def test_a_bug_keeps_its_traceback(run, monkeypatch):
    @click.command()
    def failing():
        raise ZeroDivisionError

    monkeypatch.setattr(demo_module, "demo", failing)
    with pytest.raises(ZeroDivisionError):
        main(["demo"])


def test_a_closed_pipe_is_no_error(tmp_path):
    text = tmp_path / "text.txt"
    # More than fits into a pipe and the reader's buffer.
    text.write_text("\n".join(f"token{i}" for i in range(200_000)))
    args = [sys.executable, "-m", "keras_seq2seq", "vocab", str(text)]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"token")
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("args", [[], *([command] for command in COMMANDS)])
def test_help_fits_the_terminal(run, monkeypatch, args, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run(*args, "--help").output.splitlines()
    assert [line for line in lines if len(line) > width] == []
    # Descriptions of commands are not cut.
    assert args or [line for line in lines[1:] if line.endswith("...")] == []


def test_errors_contain_no_control_characters(run_raising):
    result = run_raising(UserError("a\x1b[31m\u202e b\n  c: no such file"))
    assert result.errors == ("keras-seq2seq: error: a<U+001B>[31m<U+202E> b c: no such file\n")


def test_long_errors_are_cut_in_the_middle(run_raising):
    errors = run_raising(UserError(f"start{'x' * 100_000}end")).errors
    assert len(errors) < 11_000
    assert errors.startswith("keras-seq2seq: error: startx") and errors.endswith("xend\n")


@pytest.mark.parametrize(
    "args",
    [
        ["train", "--output_dir="],
        ["average", "--model_dir=", "--output_dir=a"],
        ["translate", "--model_dir="],
        ["data", "copy", ""],
        ["demo", ""],
    ],
)
def test_an_empty_directory_name_is_not_the_current_directory(run, tmp_path, monkeypatch, args):
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert result.status == 2
    assert "expected the path of a directory, got an empty one" in result.errors
    assert list(tmp_path.iterdir()) == []
