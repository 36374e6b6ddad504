"""Opening plain and compressed files: gzip, Zstandard and xz."""

import io
import lzma
import os
import zlib
from typing import BinaryIO

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import COMPRESSION_SUFFIXES, open_regular_file

_INPUT_BYTES = 2**16
_OUTPUT_BYTES = 2**17

# Memory limits: of the largest windows that `xz -9` (64 MiB) and `zstd --long` (128 MiB) use.
_MAX_XZ_BYTES = 2**27
_MAX_ZSTD_WINDOW = 2**27


class DamagedDataError(Exception):
    """Compressed data that is damaged, truncated, or in another format."""


class _GzipMember:
    name = "gzip"
    padding = b"\0"

    def __init__(self):
        self._decompressor = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes) -> tuple[bytes, bytes]:
        """Returns decompressed data and the rest of the input."""
        try:
            text = self._decompressor.decompress(data, _OUTPUT_BYTES)
        except zlib.error as error:
            raise DamagedDataError(str(error)) from None
        return text, self._decompressor.unused_data or self._decompressor.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._decompressor.eof


class _XzMember:
    name = "xz"
    padding = b"\0"

    def __init__(self):
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_BYTES)

    def decompress(self, data: bytes) -> tuple[bytes, bytes]:
        """Returns decompressed data and the rest of the input."""
        # The decompressor keeps input that it has not yet used.
        data, rest = (data, b"") if self._decompressor.needs_input else (b"", data)
        try:
            text = self._decompressor.decompress(data, _OUTPUT_BYTES)
        except lzma.LZMAError as error:
            raise DamagedDataError(str(error)) from None
        return text, self._decompressor.unused_data + rest

    @property
    def eof(self) -> bool:
        return self._decompressor.eof


class _ZstdMember:
    name = "Zstandard"
    padding = b""

    # The output is not limited: 2 KiB of input can become 64 MiB at most.
    _INPUT_BYTES = 2**11

    def __init__(self):
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
        self._error = zstandard.ZstdError
        self._decompressor = decompressor.decompressobj()

    def decompress(self, data: bytes) -> tuple[bytes, bytes]:
        """Returns decompressed data and the rest of the input."""
        data, rest = data[: self._INPUT_BYTES], data[self._INPUT_BYTES :]
        try:
            text = self._decompressor.decompress(data)
        except self._error as error:
            raise DamagedDataError(str(error)) from None
        return text, self._decompressor.unused_data + rest

    @property
    def eof(self) -> bool:
        return self._decompressor.eof


_MEMBERS = dict(zip(COMPRESSION_SUFFIXES, (_GzipMember, _ZstdMember, _XzMember), strict=True))


class _Decompressed(io.RawIOBase):
    """The decompressed content of a file that may consist of several members (or frames).

    Args:
        file: The compressed file, open for reading bytes. It is closed together with this one.
        member_class: The class of its members.

    Attributes:
        kind: The name of the compression, for messages.
        is_one_member: Whether the whole file has been read and consists of exactly one member,
            which is not empty.
    """

    def __init__(self, file: BinaryIO, member_class: type):
        self.kind = member_class.name
        self.is_one_member = False
        self._file = file
        self._member_class = member_class
        self._member = None
        self._members = 0
        self._input = self._output = b""
        self._has_padding = self._has_text = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self._output = self._output or self._decompress()
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def close(self):
        self._file.close()
        super().close()

    def _decompress(self) -> memoryview:
        """Returns the next piece of decompressed data, which is empty at the end of the file."""
        while self._find_member():
            is_last = not self._input
            text, self._input = self._member.decompress(self._input)
            if self._member.eof:
                self._member = None
            elif is_last and not text:
                raise DamagedDataError("the file ends too early")
            if text:
                self._has_text = True
                return memoryview(text)
        self.is_one_member = self._members == 1 and self._has_text and not self._has_padding
        return memoryview(b"")

    def _find_member(self) -> bool:
        """Reads input, skips padding between members, and returns whether there is a member."""
        while True:
            self._input = self._input or self._file.read(_INPUT_BYTES)
            if self._member is not None:
                return True
            if not self._input:
                return False
            rest = self._input.lstrip(self._member_class.padding) if self._members else self._input
            self._has_padding = self._has_padding or rest != self._input
            self._input = rest
            if rest:
                self._member = self._member_class()
                self._members += 1


def is_compressed(path: str | os.PathLike) -> bool:
    """Returns whether a file is decompressed when it is read, according to its name."""
    return os.fspath(path).endswith(COMPRESSION_SUFFIXES)


def without_compression_suffix(path: str | os.PathLike) -> str:
    """Returns a path without `.gz`, `.zst` or `.xz` at its end."""
    name = os.fspath(path)
    return name.rpartition(".")[0] if is_compressed(name) else name


def open_text(path: str | os.PathLike) -> BinaryIO:
    """Opens a plain or compressed file for reading bytes, in constant memory.

    Args:
        path: The file. It is decompressed if its name ends in `.gz`, `.zst` or `.xz`. It may
            consist of several members, some of them empty.

    Returns:
        The open binary file. Reading damaged data raises a `DamagedDataError`.

    Raises:
        UserError: If the file is missing, unreadable, or not a regular file, or if a package for
            its compression is not installed.
    """
    file = open_regular_file(path)
    if not is_compressed(path):
        return file
    member_class = _MEMBERS[os.path.splitext(os.fspath(path))[1]]
    try:
        member_class()
    except ImportError:
        file.close()
        raise UserError(
            f"{path}: reading Zstandard needs the zstandard package; install it with "
            "pip install 'keras-seq2seq[zstd]'"
        ) from None
    return io.BufferedReader(_Decompressed(file, member_class), _OUTPUT_BYTES)


def compression_of(stream: BinaryIO) -> str:
    """Returns the name of the compression of an open file, for messages; "" for none."""
    return getattr(getattr(stream, "raw", None), "kind", "")


def tensorflow_compression(path: str | os.PathLike, stream: BinaryIO | None = None) -> str | None:
    """Returns TensorFlow's name of the compression of a file.

    Args:
        path: The file.
        stream: The result of `open_text`, if it has already been read to its end.

    Returns:
        `""` for a plain file, `"GZIP"`, or `None` if TensorFlow cannot read the file: of some gzip
        files, it reads only the first members, and on others it never finishes.
    """
    if not is_compressed(path):
        return ""
    if not os.fspath(path).endswith(".gz"):
        return None
    if stream is not None:
        return "GZIP" if stream.raw.is_one_member else None
    return "GZIP" if has_one_member(path) else None


def has_one_member(path: str | os.PathLike) -> bool:
    """Returns whether a file is intact gzip data of a single member with text, and nothing else.

    Most gzip files are. `cat` and parallel compressors write files of several members.
    """
    with io.BufferedReader(_Decompressed(open_regular_file(path), _GzipMember)) as stream:
        try:
            while stream.read(_OUTPUT_BYTES):
                pass
        except DamagedDataError:
            return False
        return stream.raw.is_one_member
