import os
import socket

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.files import open_regular_file, open_text, read_small_file
from keras_seq2seq.files.reading import exists


@pytest.mark.parametrize("open_file", [open_regular_file, open_text, read_small_file])
def test_only_regular_files_are_opened_and_none_is_waited_for(tmp_path, open_file):
    # Nobody writes to the pipe: opening it would wait forever.
    os.mkfifo(tmp_path / "pipe.gz")
    (tmp_path / "link").symlink_to(tmp_path / "pipe.gz")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(tmp_path / "socket"))
        for path, kind in [
            (tmp_path / "pipe.gz", "a pipe, which can be read only once"),
            (tmp_path / "link", "a pipe, which can be read only once"),
            (tmp_path / "socket", "a socket"),
            (tmp_path, "a directory"),
            ("/dev/zero", "a device"),
            ("/dev/null", "a device"),
        ]:
            with pytest.raises(UserError) as error:
                open_file(path)
            assert str(error.value) == f"{path}: is {kind}; expected a regular file"


def test_impossible_paths(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match=r"loop: cannot be opened \(Too many levels"):
        open_regular_file(tmp_path / "loop")
    with pytest.raises(UserError, match="cannot be opened"):
        open_regular_file("a\0b")


def test_what_cannot_be_known_to_exist_is_an_error(tmp_path, without_privileges):
    assert exists(tmp_path)
    os.symlink("loop", "loop")
    os.symlink("missing", "dangling")
    for path in ("missing", "missing/a", "dangling", "a\0b"):
        assert not exists(path)
    os.mkdir("closed", 0)
    for path, reason in [
        ("loop", "Too many levels of symbolic links"),
        ("a" * 300, "File name too long"),
        ("closed/a", "Permission denied"),
    ]:
        with pytest.raises(UserError) as error, without_privileges():
            exists(path)
        assert str(error.value) == f"{path}: cannot be opened ({reason})"


def test_names_need_not_be_utf8(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfc\xdfe")
    with pytest.raises(UserError, match="no such file"):
        open_regular_file(path)
    with open(path, "w") as file:
        file.write("text")
    assert read_small_file(path) == b"text"


def test_the_size_is_limited(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_small_file(path, 5) == b"12345"
    with pytest.raises(UserError, match="file: larger than 4 bytes"):
        read_small_file(path, 4)
    # A sparse file takes no space on the disk.
    os.truncate(path, 2**40)
    with pytest.raises(UserError, match="larger than 16777216 bytes"):
        read_small_file(path)
