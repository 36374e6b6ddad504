import gzip
import io
import re

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.compression import has_one_member, open_text
from keras_seq2seq.files.text_lines import MAX_LINE_BYTES, decode_lines, read_lines


def write(path, data: bytes):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\n\n", ["a", ""]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
        (b"a\r\r\nb\r", ["a", "b"]),
        (b"a\n\r", ["a"]),
        # str.splitlines would end lines at all of these.
        ("a\x0bb\x0cc\x1cd\x85e\u2028f\n".encode(), ["a\x0bb\x0cc\x1cd\x85e\u2028f"]),
    ],
)
def test_reads_lines(tmp_path, data, lines):
    assert list(read_lines(write(tmp_path / "a.txt", data))) == lines
    assert list(read_lines(write(tmp_path / "a.gz", gzip.compress(data)))) == lines


def test_reads_joined_gzip_files(tmp_path):
    path = write(tmp_path / "a.gz", gzip.compress(b"a\nb") + gzip.compress(b"c\n"))
    assert list(read_lines(path)) == ["a", "bc"]


def test_gzip_members_may_be_empty_or_have_names_and_extra_fields(tmp_path):
    empty, text = gzip.compress(b""), gzip.compress(b"a\n")
    # RFC 1952: the flags 4 and 8 announce an extra field, as of bgzip, and a file name.
    with_fields = text[:3] + b"\x0c" + text[4:10] + b"\x02\x00xyname\0" + text[10:]
    for data, lines in [
        (empty, []),
        (b"", []),
        (empty + text, ["a"]),
        (text + empty + with_fields + empty, ["a", "a"]),
        # Tape archives are padded with zeros.
        (text + b"\0" * 512, ["a"]),
    ]:
        assert list(read_lines(write(tmp_path / "a.gz", data))) == lines


@given(st.lists(st.sampled_from(["a", "ü", " ", "\r", "\n", "\u2028", "\x0b", "\x85"])))
@settings(max_examples=40, deadline=None)
def test_agrees_with_tensorflow(tmp_path_factory, parts):
    text = "".join(parts)
    path = write(tmp_path_factory.mktemp("text") / "a.txt", text.encode())
    if re.search("\r+[^\r\n]", text):
        with pytest.raises(UserError, match="carriage return"):
            list(read_lines(path))
        return
    expected = [line.decode() for line in tf.data.TextLineDataset(str(path)).as_numpy_iterator()]
    assert list(read_lines(path)) == expected


@pytest.mark.parametrize(
    ("data", "place", "problem"),
    [
        (b"a\nb\0c\n", ":2:", "NUL byte"),
        (b"a\nb\ngr\xfc\xdfe\n", ":3:", "not UTF-8: byte 0xfc at column 3"),
        (b"\x1f\x8b\x08\0", ":1:", "rename the file so that it ends in .gz"),
        (b"a\n" + b"x" * (MAX_LINE_BYTES + 1), ":2:", "longer than"),
        (b"a\nbc\rd\n", ":2:", "carriage return at column 3"),
        (b"a\rb\rc\r", ":1:", "carriage return at column 2"),
        (b"a\r" * MAX_LINE_BYTES, ":1:", "carriage return at column 2"),
    ],
)
def test_names_the_line_that_is_no_text(tmp_path, data, place, problem):
    path = write(tmp_path / "a.txt", data)
    with pytest.raises(UserError) as error:
        list(read_lines(path))
    assert str(error.value).startswith(f"{path}{place}")
    assert problem in str(error.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-12],
        lambda data: b"plain\n",
        lambda data: data[:40] + b"x" * 40,
        lambda data: data + b"plain\n",
        lambda data: data + data[:2] + b"\x07" + data[3:],
        lambda data: data + data[:-6],
        lambda data: data[:-8] + bytes(8),
    ],
    ids=[
        "cut off",
        "not gzip",
        "overwritten",
        "foreign member",
        "unknown compression",
        "second member cut off",
        "wrong checksum",
    ],
)
def test_refuses_damaged_gzip_data(tmp_path, damage):
    data = gzip.compress("".join(f"line {i * i}\n" for i in range(100)).encode())
    path = write(tmp_path / "a.gz", damage(data))
    with pytest.raises(UserError, match=r"a\.gz:\d+: damaged gzip data"):
        list(read_lines(path))


def test_names_a_missing_file_and_its_near_miss(tmp_path):
    with pytest.raises(UserError) as error:
        open_text(tmp_path / "a.txt")
    assert str(error.value) == f"{tmp_path / 'a.txt'}: no such file"
    write(tmp_path / "a.txt.gz", gzip.compress(b""))
    with pytest.raises(UserError, match=r"did you mean .*a\.txt\.gz\?"):
        open_text(tmp_path / "a.txt")


def test_refuses_a_directory(tmp_path):
    with pytest.raises(UserError, match="is a directory"):
        open_text(tmp_path)


def test_a_byte_order_mark_within_a_file_may_be_text(tmp_path):
    path = write(tmp_path / "a.txt", "\ufeffa\n\ufeffb\nc\ufeff\n".encode())
    assert list(read_lines(path)) == ["a", "b", "c\ufeff"]
    assert list(read_lines(path, is_joined=False)) == ["a", "\ufeffb", "c\ufeff"]


def test_decodes_a_stream_under_the_name_given():
    lines = decode_lines(io.BytesIO(b"a\n\xff\n"), "<stdin>")
    assert next(lines) == "a"
    with pytest.raises(UserError, match="<stdin>:2: not UTF-8"):
        next(lines)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (gzip.compress(b"a\n" * 1_000_000), True),
        (gzip.compress(b""), False),
        (gzip.compress(b"a\n") + gzip.compress(b"b\n"), False),
        (gzip.compress(b"a\n") + gzip.compress(b""), False),
        (gzip.compress(b"a\n") + bytes(8), False),
        (gzip.compress(b"a\n" * 100)[:-10], False),
        (b"", False),
        (b"a\n", False),
    ],
    ids=["large", "empty member", "two", "empty second", "zeros", "cut", "empty file", "plain"],
)
def test_recognizes_gzip_files_of_one_member(content, expected, tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    assert has_one_member(path) == expected


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_end_of_a_line_does_not_count_towards_its_length(end):
    data = b"x" * MAX_LINE_BYTES + end
    assert len(*decode_lines(io.BytesIO(data), "a")) == MAX_LINE_BYTES
    with pytest.raises(UserError, match="a:1: longer than"):
        list(decode_lines(io.BytesIO(b"x" + data), "a"))
