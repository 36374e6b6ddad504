"""Prepared records: tokenized parallel text in a directory, with random access.

A directory contains:

    manifest.json           counts, hashes, hyperparameters, and the checksums of the next two files
    index                   int64 (blocks, 4): pairs, offset, bytes and CRC-32 of each block
    lengths                 uint32 (pairs, 2): numbers of source and target tokens, not truncated
    000000.records, ...     the shards: compressed blocks of ids
    source.*, target.*      the tokenizers, as `Tokenizer.save` writes them
    dev.source.gz, ...      the text of the dev data, if there is any

Block `i` contains the usable pairs of `LINES_PER_BLOCK` consecutive lines, not counting those that
filters excluded, and is in shard `i % shards`. The order of training is an order of blocks, so it
does not depend on the number of shards.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_seq2seq.data.sequences import Sequences
from keras_seq2seq.errors import InputError
from keras_seq2seq.files import atomic_file, open_regular_file, read_small_file
from keras_seq2seq.text import Tokenizer

FORMAT = "keras_seq2seq records"
VERSION = 3
LINES_PER_BLOCK = 1024
MANIFEST_NAME = "manifest.json"
SIDES = ("source", "target")

# Level 6 takes three times as long and saves 1 to 6 %.
_COMPRESSION_LEVEL = 4

_LENGTHS_AT_ONCE = 2**18

_AGAIN = "prepare the text again"


class Block(NamedTuple):
    """The usable pairs of some lines of text.

    Attributes:
        lines: The line number of each pair, starting at 1, int64 of shape `(pairs,)`.
        source: `Sequences` of source ids, without start and end tokens.
        target: `Sequences` of target ids.
    """

    lines: np.ndarray
    source: Sequences
    target: Sequences

    @classmethod
    def concatenate(cls, blocks: "list[Block]") -> "Block":
        """Returns the pairs of several blocks, one after the other."""
        lines, sources, targets = zip(*blocks, strict=True)
        sides = map(Sequences.concatenate, (sources, targets))
        return cls(np.concatenate(lines), *sides)

    def take(self, rows: np.ndarray) -> "Block":
        """Returns some of the pairs, by their indices."""
        return Block(self.lines[rows], self.source.take(rows), self.target.take(rows))


def id_dtype(vocabulary_size: int) -> str:
    """Returns the dtype of the ids in a block: little-endian, of 2 bytes if that is enough."""
    return "<u2" if vocabulary_size <= 2**16 else "<u4"


def pack_block(block: Block, dtypes: tuple[str, str]) -> bytes:
    """Compresses a block.

    Args:
        block: The block.
        dtypes: The dtypes of source and target ids, see `id_dtype`.
    """
    # Differences of line numbers are almost always 1, which takes no space.
    columns = [(np.diff(block.lines, prepend=0), "<i8")]
    columns += [(side.counts, "<u4") for side in block[1:]]
    columns += [(side.ids, dtype) for side, dtype in zip(block[1:], dtypes, strict=True)]
    data = b"".join(_bytes_by_position(column.astype(dtype)) for column, dtype in columns)
    return zlib.compress(data, _COMPRESSION_LEVEL)


def _bytes_by_position(numbers: np.ndarray) -> bytes:
    """Returns the lowest bytes of all numbers, then the second lowest of all, and so on.

    The high bytes of small numbers are zeros. Together they take almost no space.
    """
    return numbers.view(np.uint8).reshape(-1, numbers.itemsize).T.tobytes()


def unpack_block(data: bytes, pairs: int, dtypes: tuple[str, str]) -> Block:
    """Restores a block from the data that `pack_block` returned.

    Raises:
        ValueError: If the data are damaged.
    """
    try:
        data = zlib.decompress(data)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    position = 0

    def read(dtype: str, size: int) -> np.ndarray:
        nonlocal position
        parts = [
            np.frombuffer(data, np.uint8, size, position + index * size)
            for index in range(np.dtype(dtype).itemsize)
        ]
        position += len(parts) * size
        numbers = parts[0].astype(dtype)
        for index, part in enumerate(parts[1:], start=1):
            if part.any():
                numbers |= part.astype(dtype) << 8 * index
        return numbers

    lines = np.cumsum(read("<i8", pairs), dtype=np.int64)
    counts = [read("<u4", pairs).astype(np.int64) for _ in dtypes]
    ids = [read(dtype, int(size.sum())) for dtype, size in zip(dtypes, counts, strict=True)]
    return Block(lines, *map(Sequences, ids, counts))


def shard_name(shard: int) -> str:
    """Returns the name of the file of a shard."""
    return f"{shard:06}.records"


def dev_path(directory: str | os.PathLike, side: str) -> Path:
    """Returns the path of the dev text of a side."""
    return Path(directory) / f"dev.{side}.gz"


def hash_tokenizer(tokenizer: Tokenizer) -> str:
    """Returns a SHA-256 hash of everything that determines the ids of a text."""
    return _hash([tokenizer.name, tokenizer.get_config(), tokenizer.fingerprint()])


def write_manifest(directory: Path, content: dict[str, Any]):
    """Writes the manifest of a directory.

    Args:
        directory: The directory.
        content: JSON values, to which the format, its version and a checksum are added.
    """
    content = {"format": FORMAT, "version": VERSION, **content}
    content["sha256"] = _hash(content)
    with atomic_file(directory / MANIFEST_NAME) as file:
        file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def is_prepared(path: Any) -> bool:
    """Returns whether a path is a directory of prepared records."""
    return isinstance(path, (str, os.PathLike)) and os.path.isfile(
        os.path.join(path, MANIFEST_NAME)
    )


class Records:
    """A directory of prepared records.

    The manifest and the index are checked immediately, and each block when it is read.

    Args:
        path: The directory.

    Attributes:
        path: The directory.
        manifest: The content of its manifest.
        lines: Number of lines of the text, including those that filters excluded.
        pairs: Number of pairs in each block, int64 of shape `(blocks,)`.
        tokenizers: The source and target tokenizers.

    Raises:
        InputError: If the directory is damaged or of another version.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.manifest = _read_manifest(self.path / MANIFEST_NAME)
        self.lines = self.manifest["lines"] + sum(self.manifest["dropped"].values())
        data = self._read("index")
        if zlib.crc32(data) != self.manifest["index_crc32"]:
            raise self._damaged("index")
        self._index = np.frombuffer(data, "<i8").reshape(-1, 4)
        self.pairs = self._index[:, 0]
        self.tokenizers = tuple(Tokenizer.load(self.path / side) for side in SIDES)
        for side, tokenizer in zip(SIDES, self.tokenizers, strict=True):
            if hash_tokenizer(tokenizer) != self.manifest[side]["tokenizer_sha256"]:
                raise self._damaged(f"{side}.*")
        sizes = [tokenizer.vocabulary_size() for tokenizer in self.tokenizers]
        self._dtypes = tuple(map(id_dtype, sizes))

    def token_counts(self) -> Iterator[np.ndarray]:
        """Yields the numbers of tokens of all pairs in parts, int64 of shape `(pairs, 2)`.

        Raises:
            InputError: If the file is damaged.
        """
        checksum = 0
        with open_regular_file(self.path / "lengths") as file:
            while data := file.read(8 * _LENGTHS_AT_ONCE):
                checksum = zlib.crc32(data, checksum)
                if len(data) % 8:
                    break
                yield np.frombuffer(data, "<u4").reshape(-1, 2).astype(np.int64)
        if checksum != self.manifest["lengths_crc32"]:
            raise self._damaged("lengths")

    def read_block(self, block: int) -> Block:
        """Reads the pairs of a block.

        Raises:
            InputError: If it is damaged.
        """
        pairs, offset, size, checksum = map(int, self._index[block])
        name = shard_name(block % self.manifest["shards"])
        with open_regular_file(self.path / name) as file:
            try:
                file.seek(offset)
                data = file.read(size)
            except OSError as error:
                raise InputError(f"{self.path / name}: cannot be read ({error.strerror})") from None
        if zlib.crc32(data) != checksum:
            raise self._damaged(name)
        try:
            return unpack_block(data, pairs, self._dtypes)
        except ValueError:
            raise self._damaged(name) from None

    def _read(self, name: str) -> bytes:
        with open_regular_file(self.path / name) as file:
            return file.read()

    def _damaged(self, name: str) -> InputError:
        return InputError(f"{self.path / name}: damaged file; {_AGAIN}")


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(read_small_file(path).decode("utf-8"))
        is_of_this_format = manifest["format"] == FORMAT
        version = manifest["version"]
        checksum = manifest.pop("sha256")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: damaged file; {_AGAIN}") from None
    if not is_of_this_format:
        raise InputError(f"{path}: not the manifest of prepared records")
    if version != VERSION:
        raise InputError(
            f"{path}: records of version {version}, but this is version {VERSION}; {_AGAIN}"
        )
    if checksum != _hash(manifest):
        raise InputError(f"{path}: damaged file; {_AGAIN}")
    return manifest


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
