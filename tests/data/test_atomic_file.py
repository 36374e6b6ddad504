import pytest

from keras_seq2seq.data.atomic_file import atomic_file


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
