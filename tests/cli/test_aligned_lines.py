import gzip

import pytest

from keras_seq2seq.cli.aligned_lines import read_aligned_lines
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
