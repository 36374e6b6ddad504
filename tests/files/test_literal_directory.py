import os

import pytest

from keras_seq2seq.files import LiteralDirectory, printable


def test_a_usual_path_stays(tmp_path):
    path = tmp_path / "run-1_a.b c"
    assert LiteralDirectory(path).path == str(path)
    assert not path.exists()


@pytest.mark.parametrize("name", ["run[lr=0.1]", "*", "a?b", "a\\b", "{a,b}", os.fsdecode(b"\xff")])
def test_a_path_with_special_characters_has_another_name(tmp_path, name):
    literal = LiteralDirectory(tmp_path / name)
    assert not set(literal.path) & set("[]*?{}\\")
    literal.path.encode()
    with open(os.path.join(literal.path, "file"), "w") as file:
        file.write("text")
    assert (tmp_path / name / "file").read_text() == "text"


def test_the_descriptor_is_closed(tmp_path):
    descriptors = len(os.listdir("/proc/self/fd"))
    literal = LiteralDirectory(tmp_path / "[1]")
    assert len(os.listdir("/proc/self/fd")) == descriptors + 1
    del literal
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_printable_text_is_utf8():
    assert printable(os.fsdecode(b"gr\xc3\xbc\xdfe")) == "grü\\udcdfe"
