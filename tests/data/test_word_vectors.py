import gzip

import numpy as np
import pytest

from keras_seq2seq.data import read_word_vectors
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import Vocabulary

VOCABULARY = Vocabulary("ein mann schläft".split())


@pytest.fixture
def read(tmp_path):
    def read(text, size=2, name="vectors.txt"):
        data = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return read_word_vectors(tmp_path / name, VOCABULARY, size)

    return read


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.gz"])
@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_keeps_what_is_in_the_vocabulary(read, header, name):
    # fastText ends its lines with a blank. The second "ein" does not count.
    found = read(f"{header}schläft 1 -2.5 \nhund 0 0\nein 3e-1 4\nein 9 9\n", name=name)
    assert found.ids.tolist() == [4, 6]
    np.testing.assert_allclose(found.vectors, [[0.3, 4], [1, -2.5]])


def test_a_token_may_have_blanks(read):
    assert read(". . . 1 2\nmann 3 4\n").vectors.tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mann 1 2 3\n", "the vectors have 3 numbers, but embedding.dim is 2; set embedding.dim=3"),
        ("7 300\nmann 1 2\n", "the vectors have 300 numbers"),
        ("mann\n", ":1: expected a token and 2 numbers"),
        ("mann 1 2\nein 1\n", ":2: expected a token and 2 numbers, got 2 columns"),
        ("mann 1 x\n", ":1: expected a token and 2 numbers"),
        ("ein 1 2\nmann 1 x\n", ":2: expected 2 numbers after the token"),
        ("mann 1 nan\n", ":1: expected 2 numbers after the token"),
        ("hund 1 2\n", "contains none of the 3 tokens"),
        ("", "contains none of the 3"),
    ],
)
def test_refuses(read, text, message):
    with pytest.raises(UserError, match=message):
        read(text)


def test_refuses_a_file_cut_short(tmp_path):
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress(b"mann 1 2\n" * 100)[:-10])
    with pytest.raises(UserError, match=r"vectors.gz:\d+: damaged gzip data"):
        read_word_vectors(path, VOCABULARY, 2)


def test_a_number_that_is_too_large_is_one_line(read):
    with pytest.raises(UserError, match="vectors.txt:1: expected 2 numbers after the token"):
        read("mann 1 1e99\n")
