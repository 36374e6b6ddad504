import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.writing import NumberedFiles, atomic_file


def test_appears_only_at_the_end(tmp_path):
    path = tmp_path / "file.txt"
    with atomic_file(path) as file:
        file.write("grüße\n")
        assert not path.exists()
    assert path.read_bytes() == "grüße\n".encode()


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes(tmp_path):
    path = tmp_path / "file.bin"
    with atomic_file(path, binary=True) as file:
        file.write(b"\r\n\xff")
        assert not path.exists()
    assert path.read_bytes() == b"\r\n\xff"


def test_numbers_sort_as_sentences_do(tmp_path):
    files = NumberedFiles(tmp_path / "new" / "dir")
    assert (tmp_path / "new" / "dir").is_dir()
    names = [files.path(number, ".png").name for number in (1, 2, 10, 999_999)]
    assert names == ["000001.png", "000002.png", "000010.png", "999999.png"]
    assert names == sorted(names)


def test_an_empty_directory_is_taken(tmp_path):
    assert NumberedFiles(tmp_path).path(7, ".html") == tmp_path / "000007.html"


def test_files_of_two_runs_are_not_mixed(tmp_path):
    (tmp_path / "000001.png").touch()
    with pytest.raises(UserError, match="not empty; expected a new or empty directory"):
        NumberedFiles(tmp_path)


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot be used as a directory"):
            NumberedFiles(path)
