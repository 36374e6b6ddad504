import os

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.translator import Translator


class Shouting:
    """A translator that needs no model: "grün" becomes "GRÜN"."""

    def stream(self, lines, batch_size):
        self.batch_size = batch_size
        return (line.upper() for line in lines)


@pytest.fixture
def translator(monkeypatch):
    translator = Shouting()
    monkeypatch.setattr(Translator, "load", {"dir": translator}.__getitem__)
    return translator


@pytest.fixture
def no_translator(monkeypatch):
    def load(model_dir):
        raise UserError(f"{model_dir}: no such directory")

    monkeypatch.setattr(Translator, "load", load)


def test_standard_input_to_standard_output(run, translator):
    result = run("translate", "--model_dir=dir", stdin="grün\r\n\n笑 a".encode())
    assert result == (0, "GRÜN\n\n笑 A\n", "")
    assert translator.batch_size == 32


def test_file_to_file(run, translator, tmp_path):
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_text("grün\n\nblau\n", encoding="utf-8")
    args = ["--source", source, "--output", output, "--batch-size", "2"]
    assert run("translate", "--model_dir=dir", *args) == (0, "", "")
    assert output.read_bytes() == "GRÜN\n\nBLAU\n".encode()
    assert translator.batch_size == 2


def test_invalid_utf8_names_the_line_and_keeps_the_old_output(run, translator, tmp_path):
    output = tmp_path / "output"
    output.write_text("old")
    result = run("translate", "--model_dir=dir", "--output", output, stdin=b"a\nb\xff\n")
    assert result.status == 2
    assert result.errors.startswith("keras-seq2seq: error: standard input:2: not UTF-8")
    assert os.listdir(tmp_path) == ["output"] and output.read_text() == "old"


def test_a_missing_source_is_found_before_the_model_is_loaded(run, no_translator):
    result = run("translate", "--model_dir=dir", "--source=nowhere")
    assert result == (2, "", "keras-seq2seq: error: nowhere: no such file\n")


def test_an_unwritable_output_is_found_before_the_model_is_loaded(run, no_translator, tmp_path):
    output = tmp_path / "nowhere" / "output"
    result = run("translate", "--model_dir=dir", "--output", output)
    message = f"{output}: cannot be written (No such file or directory)"
    assert result == (2, "", f"keras-seq2seq: error: {message}\n")


def test_a_missing_model_leaves_no_output(run, no_translator, tmp_path):
    result = run("translate", "--model_dir=dir", "--output", tmp_path / "output")
    assert result == (2, "", "keras-seq2seq: error: dir: no such directory\n")
    assert os.listdir(tmp_path) == []


def test_batch_size_is_checked(run, translator):
    result = run("translate", "--model_dir=dir", "--batch_size=0")
    assert result.status == 2
    assert 'expected a whole number of at least 1, got "0"' in result.errors
