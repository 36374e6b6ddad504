import pytest

from keras_seq2seq.data.vocabulary_file import read_vocabulary_file
from keras_seq2seq.errors import UserError


def read(tmp_path, data: bytes):
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    return read_vocabulary_file(path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"the\na\n", (["the", "a"], None)),
        (b"the\na", (["the", "a"], None)),
        (b"the\t12\na\t3\n", (["the", "a"], [12, 3])),
        (b"\xef\xbb\xbfthe\r\na\r\n", (["the", "a"], None)),
        (b"the  \r\n a\n", (["the", "a"], None)),
        (b"the\t12 \n", (["the"], [12])),
        ("▁\nü\n笑\n".encode(), (["▁", "ü", "笑"], None)),
    ],
)
def test_reads(tmp_path, data, expected):
    assert read(tmp_path, data) == expected


@pytest.mark.parametrize(
    ("data", "place", "problem"),
    [
        (b"the\na\nthe\n", ":3:", "'the' is already on line 1"),
        (b"the\t5\nthe\t7\n", ":2:", "'the' is already on line 1"),
        (b"the\n\na\n", ":2:", "blank line"),
        (b"the\na\n \t\n", ":3:", "blank line"),
        (b"the\t3\n\t5\n", ":2:", "blank line"),
        (b"the\n<unk>\n", ":2:", "'<unk>' is reserved"),
        (b"<UNK>\nthe\n", ":1:", "'<UNK>' is reserved"),
        (b"UNK\n", ":1:", "'UNK' is reserved"),
        (b"SEQUENCE_START\n", ":1:", "'SEQUENCE_START' is reserved"),
        (b"SEQUENCE_END\t1\n", ":1:", "'SEQUENCE_END' is reserved"),
        (b"<pad>\n", ":1:", "'<pad>' is reserved"),
        (b"<s>\n", ":1:", "'<s>' is reserved"),
        (b"</s>\n", ":1:", "'</s>' is reserved"),
        (b"the 12\n", ":1:", "blank inside of 'the 12'"),
        (b"the\t12\na\tmany\n", ":2:", "count 'many'"),
        (b"the\t-3\n", ":1:", "count '-3'"),
        (b"the\t1_0\n", ":1:", "count '1_0'"),
        (b"the\t1\t2\n", ":1:", "count '1\\t2'"),
        (b"the\t12\na\n", ":2:", "a count on some lines only"),
        (b"the\na\t12\n", ":2:", "a count on some lines only"),
        (b"the\ngr\xfcn\n", ":2:", "not UTF-8: byte 0xfc at column 3"),
        (b"the\n\0\n", ":2:", "NUL byte"),
        (b"", ":", "empty file"),
    ],
)
def test_refuses_and_names_the_place(tmp_path, data, place, problem):
    with pytest.raises(UserError) as error:
        read(tmp_path, data)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'vocab.txt'}{place} ")
    assert problem in message
    assert "\n" not in message
