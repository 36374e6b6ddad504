import bz2
import gzip
import lzma
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.files import open_text, read_lines
from keras_seq2seq.files.compression import tensorflow_compression


def compress_zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


COMPRESS = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": compress_zstd, "": bytes}


@pytest.mark.parametrize("suffix", COMPRESS)
@given(members=st.lists(st.binary(max_size=30), max_size=4), sizes=st.lists(st.integers(1, 50)))
@settings(max_examples=30, deadline=None)
def test_members_are_joined(tmp_path_factory, suffix, members, sizes):
    path = tmp_path_factory.mktemp("members") / f"a{suffix}"
    path.write_bytes(b"".join(map(COMPRESS[suffix], members)))
    with open_text(path) as stream:
        parts = [stream.read(size) for size in sizes]
        assert b"".join([*parts, stream.read()]) == b"".join(members)
        assert stream.read() == b""


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_large_files(tmp_path, suffix):
    random.seed(1)
    # Parts that can and parts that cannot be compressed.
    data = random.randbytes(1_000_000) + bytes(5_000_000) + random.randbytes(300_000)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(COMPRESS[suffix](data) * 2)
    with open_text(path) as stream:
        assert stream.read() == data * 2


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_damage_is_read_as_other_text(tmp_path_factory, suffix, data):
    lines = [f"line {number * number}" for number in range(50)]
    content = COMPRESS[suffix]("".join(f"{line}\n" for line in lines).encode())
    if suffix == ".zst":
        zstandard = pytest.importorskip("zstandard")
        compressor = zstandard.ZstdCompressor(write_checksum=True)
        content = compressor.compress("".join(f"{line}\n" for line in lines).encode())
    start = data.draw(st.integers(10, len(content) - 1))
    end = data.draw(st.sampled_from([start + 1, len(content)]))
    replacement = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("damage") / f"a{suffix}"
    path.write_bytes(content[:start] + replacement + content[end:])
    try:
        assert list(read_lines(path)) == lines
    except UserError as error:
        assert str(error).startswith(f"{path}:")
        assert "\n" not in str(error)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_memory_is_bounded(tmp_path, suffix):
    """A small file that expands to 4 GB without a line feed."""
    block = COMPRESS[suffix](bytes([65]) * 2**26)
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(block * 64)
    code = f"""
from keras_seq2seq.files import read_lines
list(read_lines({str(path)!r}))
"""
    limit = 2**30
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert "UserError" in result.stderr and "1: longer than 1048576 bytes" in result.stderr


def test_xz_that_needs_much_memory(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**28}]
    path = tmp_path / "a.xz"
    path.write_bytes(lzma.compress(b"a\n", filters=filters))
    with pytest.raises(UserError, match=r"a\.xz:1: damaged xz data \(Memory usage limit"):
        list(read_lines(path))


def test_zstandard_is_optional(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "a.zst").write_bytes(b"")
    with pytest.raises(UserError, match=r"needs the zstandard package.*keras-seq2seq\[zstd\]"):
        open_text(tmp_path / "a.zst")


def test_what_tensorflow_can_read(tmp_path):
    contents = {"a.gz": gzip.compress(b"a"), "b.gz": gzip.compress(b"a") * 2, "a.xz": b"", "a": b""}
    expected = {"a.gz": "GZIP", "b.gz": None, "a.xz": None, "a": ""}
    for name, content in contents.items():
        path = Path(tmp_path / name)
        path.write_bytes(content)
        assert tensorflow_compression(path) == expected[name]
        with open_text(path) as stream:
            stream.read()
            assert tensorflow_compression(path, stream) == expected[name]


def test_other_compressions_are_named(tmp_path):
    (tmp_path / "a.bz2").write_bytes(bz2.compress(b"a\n"))
    with pytest.raises(UserError, match="a.bz2:1: bzip2 data; decompress the file"):
        list(read_lines(tmp_path / "a.bz2"))
