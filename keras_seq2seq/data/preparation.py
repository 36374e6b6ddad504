"""Writing prepared records, in parallel processes."""

import gzip
import hashlib
import io
import multiprocessing
import os
import signal
import threading
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_seq2seq.data.pairs import Pairs, as_pairs
from keras_seq2seq.data.parallel_text import check_line_counts, check_vocabulary, scan_pairs
from keras_seq2seq.data.records import (
    LINES_PER_BLOCK,
    SIDES,
    Block,
    dev_path,
    hash_tokenizer,
    id_dtype,
    pack_block,
    shard_name,
    write_manifest,
)
from keras_seq2seq.data.sequences import Sequences
from keras_seq2seq.defaults import MAX_SHARDS, MAX_WORKERS
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files import atomic_directory, atomic_file, printable
from keras_seq2seq.files.tables import in_one_line
from keras_seq2seq.special_tokens import UNKNOWN_ID
from keras_seq2seq.text import TextEncoder, Tokenizer, Vocabulary
from keras_seq2seq.text.text_encoder import as_text_encoders

# Number of blocks that a process tokenizes with one call.
_BLOCKS_AT_ONCE = 8


class PreparationSummary(NamedTuple):
    """The result of `prepare_records`.

    Attributes:
        pairs: Number of pairs that were written.
        empty_pairs: Number of pairs with an empty side, which were dropped.
        bytes: Size of the shards in bytes.
        dropped: Number of pairs that filters excluded, by reason.
    """

    pairs: int
    empty_pairs: int
    bytes: int
    dropped: Mapping[str, int]


def prepare_records(
    sources: Any,
    targets: Any,
    source: TextEncoder | Tokenizer | Vocabulary,
    target: TextEncoder | Tokenizer | Vocabulary,
    output_dir: str | os.PathLike,
    *,
    dev: Any = None,
    shards: int = 1,
    workers: int = 1,
    hparams: Mapping[str, Any] | None = None,
) -> PreparationSummary:
    """Tokenizes parallel text once, and writes the ids to a directory.

    `make_dataset(output_dir, None, source, target)` reads them. Sequences are not truncated, so
    the maximum lengths may be chosen later. The directory appears only when it is complete. Its
    content does not depend on `workers`, and the order of training does not depend on `shards`.

    Args:
        sources: The source text, or both sides in one object; see `make_dataset`.
        targets: The target text; see `make_dataset`.
        source: The tokenizer of the sources, as in `make_dataset`.
        target: The tokenizer of the targets.
        output_dir: The directory, which must be new or empty.
        dev: Dev text to store in the directory, as one object with both sides; see `make_dataset`.
            It remains text, since it is translated during training.
        shards: Number of files to write.
        workers: Number of processes to tokenize with. With more than one, a script needs
            `if __name__ == "__main__":`, see `multiprocessing`.
        hparams: Hyperparameters that `keras-seq2seq train` uses with these records if no others
            are set, such as `{"source": {"max_seq_len": 60}}`.

    Returns:
        The numbers of pairs and bytes.

    Raises:
        UserError: If the text is invalid, see `scan_parallel_text`, or the directory is not empty.
        RunError: If a process was killed.

    Example:
        >>> tokenizer = WhitespaceTokenizer(Vocabulary.load("joint.vocab"))
        >>> prepare_records("train.en", "train.de", tokenizer, tokenizer, "prepared", shards=8)
        >>> make_dataset("prepared", None, tokenizer, tokenizer, shuffle=True)
    """
    for name, value, most in (("shards", shards, MAX_SHARDS), ("workers", workers, MAX_WORKERS)):
        if not 1 <= value <= most:
            raise UserError(f"{name} is {value}; expected 1 to {most}")
    encoders = as_text_encoders(source, target)
    pairs = as_pairs(sources, targets)
    with atomic_directory(output_dir) as directory:
        if dev is not None:
            _write_dev(directory, as_pairs(dev, None), encoders)
        for side, encoder in zip(SIDES, encoders, strict=True):
            encoder.tokenizer.save(directory / side)
        return _write(directory, pairs, encoders, shards, workers, hparams or {})


def _write_dev(directory: Path, dev: Pairs, encoders: tuple[TextEncoder, TextEncoder]):
    scan_pairs(dev, *encoders)
    with ExitStack() as stack:
        files = []
        for side in SIDES:
            raw = stack.enter_context(atomic_file(dev_path(directory, side), binary=True))
            # Without name and time, so that the same text results in the same file.
            packed = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
            files.append(stack.enter_context(io.TextIOWrapper(packed, "utf-8", newline="\n")))
        for pair in dev:
            for file, line in zip(files, pair, strict=True):
                # As in the training text, a line break in a sequence is whitespace.
                file.write(f"{in_one_line(line)}\n")


def _write(
    directory: Path,
    pairs: Pairs,
    encoders: tuple[TextEncoder, TextEncoder],
    shards: int,
    workers: int,
    hparams: Mapping[str, Any],
) -> PreparationSummary:
    text = _TextReader(pairs)
    writer = _Writer(directory, shards)
    with writer:
        for blocks in _encode_all(text, directory, workers):
            for block in blocks:
                writer.write(block)
    empty_pairs = text.lines[0] - writer.pairs
    check_line_counts(pairs.names, tuple(text.lines), empty_pairs)
    sides = {}
    for index, (side, encoder) in enumerate(zip(SIDES, encoders, strict=True)):
        tokens, unknown_tokens = writer.tokens[index], writer.unknown_tokens[index]
        check_vocabulary(pairs.names[index], side, encoder, tokens, unknown_tokens)
        sides[side] = {
            "name": printable(pairs.names[index]),
            "text_sha256": text.digests[index].hexdigest(),
            "tokenizer": encoder.tokenizer.name,
            "tokenizer_sha256": hash_tokenizer(encoder.tokenizer),
            "tokens": tokens,
            "unknown_tokens": unknown_tokens,
        }
    content = {
        "unit": pairs.unit,
        "lines": text.lines[0],
        "dropped": dict(pairs.dropped),
        "empty_pairs": empty_pairs,
        "pairs": writer.pairs,
        "shards": shards,
        "pairs_of_shards": writer.pairs_of_shards,
        **sides,
        "hparams": hparams,
        "index_crc32": writer.index_checksum,
        "lengths_crc32": writer.lengths_checksum,
    }
    write_manifest(directory, content)
    return PreparationSummary(writer.pairs, empty_pairs, sum(writer.sizes), pairs.dropped)


class _Group(NamedTuple):
    """The lines of some blocks: their numbers in the whole text, and both sides."""

    numbers: np.ndarray
    sources: list[str]
    targets: list[str]


class _TextReader:
    """Reads the pairs in groups of blocks, and counts and hashes the lines of each side."""

    def __init__(self, pairs: Pairs):
        self._pairs = pairs
        self.lines = [0, 0]
        self.digests = [hashlib.sha256(), hashlib.sha256()]

    def __iter__(self) -> Iterator[_Group]:
        pairs = self._pairs.numbered()
        while group := list(islice(pairs, _BLOCKS_AT_ONCE * LINES_PER_BLOCK)):
            numbers, *columns = zip(*group, strict=True)
            sides = []
            for index, column in enumerate(columns):
                # After the end of one text, its lines are `None`.
                lines = [line for line in column if line is not None]
                self.lines[index] += len(lines)
                self.digests[index].update("".join(f"{line}\n" for line in lines).encode())
                sides.append(lines)
            yield _Group(np.array(numbers), *sides)


class _PackedBlock(NamedTuple):
    data: bytes
    counts: np.ndarray  # (pairs, 2)
    unknown_tokens: tuple[int, int]


class _BlockEncoder:
    """Converts lines to packed blocks."""

    def __init__(self, directory: str):
        tokenizers = [Tokenizer.load(Path(directory) / side) for side in SIDES]
        self._encoders = list(map(TextEncoder, tokenizers))
        self._dtypes = tuple(id_dtype(tokenizer.vocabulary_size()) for tokenizer in tokenizers)

    def __call__(self, group: _Group) -> list[_PackedBlock]:
        starts = range(0, len(group.numbers), LINES_PER_BLOCK)
        parts = [slice(start, start + LINES_PER_BLOCK) for start in starts]
        return [self._encode(*(column[part] for column in group)) for part in parts]

    def _encode(
        self, line_numbers: np.ndarray, sources: list[str], targets: list[str]
    ) -> _PackedBlock:
        numbers, sides = [], ([], [])
        # Texts of unequal length cause an error once they have been read.
        for number, *lines in zip(line_numbers, sources, targets, strict=False):
            ids = [
                encoder.vocabulary.to_ids(encoder.split(line))
                for encoder, line in zip(self._encoders, lines, strict=True)
            ]
            if all(ids):
                numbers.append(number)
                for side, row in zip(sides, ids, strict=True):
                    side.append(row)
        block = Block(np.array(numbers, dtype=np.int64), *map(_flatten, sides))
        counts = np.stack([side.counts for side in block[1:]], axis=1)
        unknown = tuple(int((side.ids == UNKNOWN_ID).sum()) for side in block[1:])
        return _PackedBlock(pack_block(block, self._dtypes), counts, unknown)


def _flatten(rows: list[list[int]]) -> Sequences:
    ids = np.array([number for row in rows for number in row], dtype=np.int64)
    return Sequences(ids, np.array(list(map(len, rows)), dtype=np.int64))


def _encode_all(
    groups: Iterable[_Group], directory: Path, workers: int
) -> Iterator[list[_PackedBlock]]:
    """Yields the blocks of each group, in order. Few groups are in memory at any time."""
    if workers == 1:
        encode = _BlockEncoder(os.fspath(directory))
        for group in groups:
            yield encode(group)
        return
    if hasattr(signal, "SIGHUP"):
        # Python's process that removes semaphores ignores Ctrl-C, but a closed terminal ends it.
        with _blocked(signal.SIGHUP):
            resource_tracker.ensure_running()
    # Not forked, since TensorFlow may be running threads.
    executor = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _start_worker, (os.fspath(directory),)
    )
    try:
        running: deque[Future] = deque()
        for group in groups:
            with _blocked(signal.SIGINT):
                running.append(executor.submit(_encode_in_worker, group))
            if len(running) > 2 * workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    except BrokenProcessPool:
        raise RunError(
            "a worker process was killed; rerun the same command, with fewer --workers if memory "
            "is short"
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _blocked(number: signal.Signals) -> Iterator[None]:
    """Defers a signal, which processes that are started in the block never get.

    Ctrl-C reaches all processes of a terminal, but the main process alone handles it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_encode_in_this_process: _BlockEncoder


def _start_worker(directory: str):
    global _encode_in_this_process
    # On Windows, processes are started with Ctrl-C enabled.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _encode_in_this_process = _BlockEncoder(directory)


def _end_with_parent():
    """Ends this process if the main process was killed, instead of waiting for it forever."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _encode_in_worker(group: _Group) -> list[_PackedBlock]:
    return _encode_in_this_process(group)


class _Writer:
    """Writes packed blocks to shards, and collects the statistics of the manifest."""

    def __init__(self, directory: Path, shards: int):
        self._directory, self._shards = directory, shards
        self._index: list[tuple[int, int, int, int]] = []
        self.pairs_of_shards, self.sizes = [0] * shards, [0] * shards
        self.tokens, self.unknown_tokens = [0, 0], [0, 0]
        self.index_checksum = self.lengths_checksum = 0

    def __enter__(self):
        self._stack = ExitStack()
        names = [*map(shard_name, range(self._shards)), "lengths"]
        *self._files, self._lengths = (
            self._stack.enter_context(atomic_file(self._directory / name, binary=True))
            for name in names
        )
        return self

    def __exit__(self, *error):
        if error[0] is None:
            index = np.array(self._index, dtype="<i8").reshape(-1, 4).tobytes()
            self.index_checksum = zlib.crc32(index)
            with atomic_file(self._directory / "index", binary=True) as file:
                file.write(index)
        self._stack.__exit__(*error)

    @property
    def pairs(self) -> int:
        return sum(self.pairs_of_shards)

    def write(self, block: _PackedBlock):
        shard = len(self._index) % self._shards
        self._files[shard].write(block.data)
        pairs, size = len(block.counts), len(block.data)
        self._index.append((pairs, self.sizes[shard], size, zlib.crc32(block.data)))
        self.pairs_of_shards[shard] += pairs
        self.sizes[shard] += size
        lengths = block.counts.astype("<u4").tobytes()
        self._lengths.write(lengths)
        self.lengths_checksum = zlib.crc32(lengths, self.lengths_checksum)
        for side in (0, 1):
            self.tokens[side] += int(block.counts[:, side].sum())
            self.unknown_tokens[side] += block.unknown_tokens[side]
