"""The directory of a model that was exported for LiteRT."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import exists, open_regular_file, read_small_file
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.text import TextEncoder, Tokenizer
from keras_seq2seq.text.tokenizer import tokenizer_config_path

FORMAT = "keras_seq2seq.litert"

# Contains the options of an exported model.
EXPORT_FILE = "export.json"

# Increased when older versions of this package cannot read the files or would misread them.
FORMAT_VERSION = 1

_SEARCHES = ("greedy", "beam")

_BYTES_AT_ONCE = 2**20

# LiteRT models cannot be larger.
_MAX_MODEL_BYTES = 2**31


@dataclass(frozen=True)
class Options:
    """How an exported model was built, stored in `export.json`.

    Attributes:
        search: Name of the search, `"greedy"` or `"beam"`.
        search_options: The options of the search.
        max_length: Maximum number of tokens of a translation, the end token included.
        n_best: Number of translations per sentence.
        has_attention: Whether the model has attention.
        reverse_source: Whether the model reads reversed sources.
        batch_sizes: The batch sizes that the model was traced for, in increasing order.
        quantize: Precision of the weights: `"none"`, `"float16"` or `"int8"`.
        unk_mapping: Translations of source tokens to replace `<unk>` with, or `None` if `<unk>`
            is not replaced.
        model_crc32: The checksum of `model.tflite`, or `None` if it was not recorded.
        source_crc32: The same of `source.tokenizer.json`, which contains a hash of the vocabulary.
        target_crc32: The same of `target.tokenizer.json`.
    """

    search: str
    search_options: Mapping[str, Any]
    max_length: int
    n_best: int
    has_attention: bool
    reverse_source: bool = False
    batch_sizes: tuple[int, ...] = (1,)
    quantize: str = "none"
    unk_mapping: Mapping[str, str] | None = None
    model_crc32: int | None = None
    source_crc32: int | None = None
    target_crc32: int | None = None


class ExportedModel:
    """Paths of the files of an exported model, and methods to read and write them.

    Args:
        path: The directory.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.options_path = self.path / EXPORT_FILE
        self.model_path = self.path / "model.tflite"
        # Prefixes of the files of the tokenizers.
        self.source_path = self.path / "source"
        self.target_path = self.path / "target"

    @classmethod
    def is_at(cls, path: str | os.PathLike) -> bool:
        """Returns whether a directory contains an exported model."""
        return exists(cls(path).options_path)

    def save_options(self, options: Options):
        """Writes `export.json`."""
        content = {"format": FORMAT, "version": FORMAT_VERSION, **asdict(options)}
        with atomic_file(self.options_path) as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def load_options(self) -> Options:
        """Reads `export.json`.

        Raises:
            UserError: If there is no exported model, or it was written by a later version of this
                package, or the file is damaged.
        """
        path = self.options_path
        if not exists(path):
            if not exists(self.path):
                raise UserError(f"{self.path}: no such directory; expected an exported model")
            raise UserError(
                f"{self.path}: contains no exported model (no {path.name}); write one with "
                "keras-seq2seq export"
            )
        try:
            content = json.loads(read_small_file(path).decode("utf-8"))
            kind, version = content.pop("format"), content.pop("version")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _damaged(path, error) from None
        if kind != FORMAT:
            raise UserError(f"{path}: the format is {kind!r:.60}; expected {FORMAT!r}")
        if version != FORMAT_VERSION:
            raise UserError(
                f"{path}: version {version!r:.20} of the format, but this version of keras-seq2seq "
                f"reads version {FORMAT_VERSION}; export the model again"
            )
        try:
            options = Options(**content)
            options = replace(options, batch_sizes=tuple(options.batch_sizes))
            _check(options)
        except (TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, error) from None
        return options

    def read_model(self, options: Options) -> bytes:
        """Reads `model.tflite`.

        LiteRT could map the file itself, but the process would crash if it were overwritten later.

        Raises:
            UserError: If it is missing or not the file that was exported. LiteRT does not detect
                all damage, which may also crash the process.
        """
        with open_regular_file(self.model_path) as file:
            if os.fstat(file.fileno()).st_size > _MAX_MODEL_BYTES:
                raise UserError(f"{self.model_path}: larger than 2 GiB; expected a LiteRT model")
            content = file.read()
        if options.model_crc32 not in (None, zlib.crc32(content)):
            raise _different(self.model_path)
        return content

    def load_text_encoders(self, options: Options) -> tuple[TextEncoder, TextEncoder]:
        """Reads the tokenizers of both sides.

        Raises:
            UserError: If a file is missing or damaged, or is that of another export.
        """
        checksums = options.source_crc32, options.target_crc32
        for prefix, checksum in zip((self.source_path, self.target_path), checksums, strict=True):
            _check_file(tokenizer_config_path(prefix), checksum)
        return (
            TextEncoder(Tokenizer.load(self.source_path), reverse=options.reverse_source),
            TextEncoder(Tokenizer.load(self.target_path)),
        )


def file_checksum(path: str | os.PathLike) -> int:
    """Returns the CRC-32 checksum of a file."""
    checksum = 0
    with open_regular_file(path) as file:
        while data := file.read(_BYTES_AT_ONCE):
            checksum = zlib.crc32(data, checksum)
    return checksum


def _check_file(path: Path, expected: int | None):
    """Checks that a file has the checksum that was recorded, if one was."""
    if expected not in (None, file_checksum(path)):
        raise _different(path)


def _different(path: Path) -> UserError:
    return UserError(f"{path}: damaged file; copy it again, or export the model again")


def _check(options: Options):
    for number in (options.max_length, options.n_best, *options.batch_sizes):
        if type(number) is not int or not 1 <= number <= 1_000_000:
            raise ValueError(f"{number!r:.60} is not a whole number from 1 to 1000000")
    if 1 not in options.batch_sizes:
        raise ValueError("1 is missing in batch_sizes")
    for name in ("has_attention", "reverse_source"):
        if type(getattr(options, name)) is not bool:
            raise ValueError(f"{name} is not a boolean")
    if options.search not in _SEARCHES:
        raise ValueError(f"search is {options.search!r:.60}, not one of {', '.join(_SEARCHES)}")
    if not isinstance(options.search_options, Mapping):
        raise ValueError("search_options is not an object")
    if not isinstance(options.search_options.get("max_length_ratio"), (int, float, NoneType)):
        raise ValueError("search_options.max_length_ratio is not a number")
    mapping = {} if options.unk_mapping is None else options.unk_mapping
    if not all(isinstance(value, str) for value in mapping.values()):
        raise ValueError("unk_mapping contains values that are not strings")


def _damaged(path: Path, error: Exception) -> UserError:
    expected = ", ".join(option.name for option in fields(Options))
    reason = f"{type(error).__name__}: {error}"[:200]
    return UserError(f"{path}: damaged file ({reason}); expected the options {expected}")
