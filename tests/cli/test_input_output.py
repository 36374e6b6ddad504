import gzip
import io
import os
import sys
import threading

import pytest

from keras_seq2seq.cli.input_output import check_is_text, open_output, read_aligned_lines, read_text
from keras_seq2seq.errors import UserError


def test_lines_of_each_file(tmp_path):
    (tmp_path / "a").write_bytes("ä\r\n\nb".encode())
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"1\n2\n3\n"))
    assert read_aligned_lines(tmp_path / "a", tmp_path / "b.gz") == [
        ["ä", "", "b"],
        ["1", "2", "3"],
    ]


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "a").write_bytes(b"a\n\xff\n")
    with pytest.raises(UserError, match=r"a:2: not UTF-8"):
        read_aligned_lines(tmp_path / "a")


def test_a_file_appears_at_the_end(tmp_path):
    path = tmp_path / "output"
    with open_output(str(path)) as file:
        file.write("grün\n")
        assert not path.exists()
    assert path.read_bytes() == "grün\n".encode()


def test_a_pipe_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received = []
    reader = threading.Thread(target=lambda: received.append(path.read_text()))
    reader.start()
    with open_output(str(path)) as file:
        file.write("text\n")
    reader.join(timeout=10)
    assert received == ["text\n"]
    assert path.is_fifo()


def test_a_directory_is_refused_at_once(tmp_path):
    with pytest.raises(UserError, match=r"cannot be written \(Is a directory\)"):
        with open_output(str(tmp_path)):
            pytest.fail("was opened")


def test_an_empty_name_is_refused():
    with pytest.raises(UserError, match="^expected the path of a file, got an empty one$"):
        with open_output(""):
            pytest.fail("was opened")


@pytest.mark.parametrize("name", ["a.gz", "a.zst", "a.xz"])
def test_output_is_not_compressed(tmp_path, name):
    with pytest.raises(UserError, match=f"{name}: output is not compressed; leave out the suffix"):
        with open_output(str(tmp_path / name)):
            pytest.fail("was opened")
    assert not (tmp_path / name).exists()


def test_tables_are_no_text():
    check_is_text("--data", "a.txt", "a.tsv", "a.csv.gz", "-")
    with pytest.raises(UserError, match="a.jsonl.gz: a table; use --data"):
        check_is_text("--data", "a.txt", "a.jsonl.gz")


def test_the_column_of_a_table(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text('en,de\n"a,\nb",c\n')
    assert list(read_text(str(path), "en")) == ["a, b"]
    assert list(read_text(str(path))) == ["en,de", '"a,', 'b",c']
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\tb\n")))
    assert list(read_text("-", 2, "tsv")) == ["b"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device_is_named():
    with pytest.raises(OSError, match="No space left on device") as error:
        with open_output("/dev/full") as file:
            file.write("text")
    assert error.value.filename == "/dev/full"
