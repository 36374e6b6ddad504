"""Reading TFRecord files of `tf.train.Example` messages."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.compression import DamagedDataError, compression_of
from keras_seq2seq.files.text_lines import MAX_LINE_BYTES, damaged, short_repr

# A record consists of its length, a checksum of the length, the data, and a checksum of the data.
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_MAX_BYTES = 16 * MAX_LINE_BYTES


class Features(Mapping):
    """The features of an example; a feature with a single byte string is read as a string.

    Args:
        features: The `feature` field of the message.
        place: Where the example is, for messages.
    """

    def __init__(self, features: Any, place: str):
        self._features, self._place = features, place

    def __getitem__(self, name: str) -> Any:
        feature = self._features[name]
        kind = feature.WhichOneof("kind")
        if kind is None:
            return None
        values = list(getattr(feature, kind).value)
        if kind != "bytes_list" or len(values) != 1:
            return values
        try:
            return values[0].decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{self._place}: feature {short_repr(name)} is not UTF-8: byte "
                f"0x{values[0][error.start]:02x} at index {error.start}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._features

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._features))

    def __len__(self) -> int:
        return len(self._features)


def read_examples(stream: BinaryIO, path: str) -> Iterator[tuple[str, Features]]:
    """Reads the examples of a TFRecord file, in constant memory.

    Args:
        stream: The open binary file.
        path: The name of the file in messages.

    Yields:
        The place of each example, and its features.

    Raises:
        UserError: If a record is damaged, too long, or not a `tf.train.Example`.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    for number, data in enumerate(_read_records(stream, path), 1):
        place = f"{path}: record {number}"
        try:
            example = tf.train.Example.FromString(data)
        except DecodeError:
            raise UserError(f"{place}: not a tf.train.Example") from None
        yield place, Features(example.features.feature, place)


def _read_records(stream: BinaryIO, path: str) -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        place = f"{path}: record {number}"
        header = _read(stream, _HEADER.size, place)
        if not header:
            return
        if len(header) < _HEADER.size:
            raise damaged(place, "TFRecord", DamagedDataError("the file ends too early"))
        length, checksum = _HEADER.unpack(header)
        if _masked_crc(header[:8]) != checksum:
            raise damaged(place, "TFRecord", DamagedDataError("wrong checksum of the length"))
        if length > _MAX_BYTES:
            raise UserError(f"{place}: longer than {_MAX_BYTES} bytes")
        data, footer = _read(stream, length, place), _read(stream, _FOOTER.size, place)
        if len(data) < length or len(footer) < _FOOTER.size:
            raise damaged(place, "TFRecord", DamagedDataError("the file ends too early"))
        if _masked_crc(data) != _FOOTER.unpack(footer)[0]:
            raise damaged(place, "TFRecord", DamagedDataError("wrong checksum"))
        yield data


def _read(stream: BinaryIO, size: int, place: str) -> bytes:
    try:
        return stream.read(size)
    except DamagedDataError as error:
        raise damaged(place, compression_of(stream), error) from None
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error.strerror})") from None


def _make_table() -> list[int]:
    """Returns the table of CRC-32C (Castagnoli), one entry for each byte."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _make_table()


def _masked_crc(data: bytes) -> int:
    """Returns the checksum of TFRecord: CRC-32C, rotated by 15 bits, plus a constant."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
