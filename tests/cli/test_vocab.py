import gzip
import os
import subprocess
import sys

import pytest

from keras_seq2seq.text import Vocabulary


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text("b a b\n\nc a b\n", encoding="utf-8")
    return path


def test_counts_the_tokens(run, text):
    assert run("vocab", text) == (0, "b\t3\na\t2\nc\t1\n", "")


def test_size_and_min_frequency(run, text):
    assert run("vocab", text, "--size=1").output == "b\t3\n"
    assert run("vocab", text, "--min-frequency=2").output == "b\t3\na\t2\n"


def test_several_files_make_one_vocabulary(run, text, tmp_path):
    other = tmp_path / "other.gz"
    other.write_bytes(gzip.compress("grün a a a\n".encode()))
    assert run("vocab", text, other).output == "a\t5\nb\t3\nc\t1\ngrün\t1\n"


def test_characters(run, text):
    assert run("vocab", text, "--tokenizer=characters").output == "▁\t4\nb\t3\na\t2\nc\t1\n"


def test_the_file_is_a_vocabulary(run, text, tmp_path):
    output = tmp_path / "vocab"
    output.write_text("old")
    assert run("vocab", text, "--output", output) == (0, "", "")
    vocabulary = Vocabulary.load(output)
    assert (vocabulary.tokens, vocabulary.counts) == (("b", "a", "c"), (3, 2, 1))


def test_output_is_utf8_in_any_locale(tmp_path):
    text = tmp_path / "text"
    text.write_text("grün", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "keras_seq2seq", "vocab", text],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert result.stdout == "grün\t1\n".encode(), result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere"], "nowhere: no such file\n"),
        (["--size=0"], "Invalid value for '--size': expected a whole number of at least 1"),
        (["--min_frequency=x"], "Invalid value for '--min_frequency': expected a whole number"),
        (["--min_frequency=9"], "no token occurs at least 9 times"),
        (["--tokenizer=character"], "unknown tokenizer 'character'; did you mean 'characters'?\n"),
    ],
)
def test_mistakes(run, text, tmp_path, args, message):
    result = run("vocab", text, *args, "--output", tmp_path / "vocab")
    assert result.status == 2
    assert result.errors.startswith(f"keras-seq2seq: error: {message}")
    assert os.listdir(tmp_path) == ["text"]


def test_a_file_without_text_is_named(run, text, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text(" \n\n")
    result = run("vocab", text, empty)
    message = f"{empty}: no text; expected one sequence per line"
    assert result == (2, "", f"keras-seq2seq: error: {message}\n")


def test_a_dash_is_standard_input(run, text):
    assert run("vocab", "-", stdin=b"a b\nb") == (0, "b\t2\na\t1\n", "")
    assert run("vocab", text, "-", "--output=-", stdin=b"a").output == "a\t3\nb\t3\nc\t1\n"
    result = run("vocab", "-", "-", stdin=b"a")
    assert (result.status, result.output) == (2, "")
    assert "standard input can be read only once" in result.errors


def test_a_pipe_is_refused_before_anything_is_read(run, text, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = run("vocab", text, tmp_path / "pipe", "--output", tmp_path / "vocab")
    assert (result.status, result.output) == (2, "")
    assert "pipe: is a pipe, which can be read only once" in result.errors
    assert not (tmp_path / "vocab").exists()


@pytest.mark.parametrize("size", ["9" * 23, "9" * 5000, "5000001"])
def test_numbers_have_an_upper_bound(run, text, size):
    result = run("vocab", text, f"--size={size}")
    assert (result.status, result.output) == (2, "")
    assert f'expected at most 5000000, got "{size[:60]}' in result.errors
    assert len(result.errors) < 250


def test_invalid_utf8_names_the_line(run, tmp_path):
    text = tmp_path / "text"
    text.write_bytes(b"a\n\xff\n")
    assert run("vocab", text).errors.startswith(f"keras-seq2seq: error: {text}:2: not UTF-8")
