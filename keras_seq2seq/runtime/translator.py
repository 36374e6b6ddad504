"""Translation with an exported model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from keras_seq2seq.beam_tree import BeamTree
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files.standard_streams import muted_standard_error
from keras_seq2seq.runtime.exported_model import ExportedModel
from keras_seq2seq.tensorflow_settings import count_cores
from keras_seq2seq.translator.text_translator import TextTranslator
from keras_seq2seq.translator.unk_replacement import UnkReplacement


class Translator(TextTranslator):
    """Translates sentences with a model that `keras-seq2seq export` wrote.

    It has the methods of `keras_seq2seq.Translator` except for `score`, `save` and `export`, and
    returns the same translations, but needs neither Keras nor TensorFlow. Several threads may use
    it at the same time.

    Args:
        model_dir: The directory of the exported model.
        max_length: Maximum number of tokens of a translation, the end token included. Defaults to
            that of the exported search.
        num_workers: Number of batches that are decoded in parallel, each on one CPU core. Defaults
            to the number of cores.

    Attributes:
        options: The `Options` of the exported model.

    Raises:
        UserError: If the directory contains no exported model or a damaged one, or if LiteRT is
            not installed.

    Example:
        >>> translator = Translator("exported")
        >>> translator("ein mann schläft .")
        'a man sleeps .'
        >>> translator.translate("ein mann schläft .").score
        -1.25
    """

    def __init__(
        self,
        model_dir: str | os.PathLike,
        *,
        max_length: int | None = None,
        num_workers: int | None = None,
    ):
        for name, value in (("max_length", max_length), ("num_workers", num_workers)):
            if value is not None and value < 1:
                raise UserError(f"{name} is {value}; expected at least 1")
        directory = ExportedModel(model_dir)
        self.options = directory.load_options()
        source, target = directory.load_text_encoders(self.options)
        mapping = self.options.unk_mapping
        super().__init__(
            source,
            target,
            max_length=max_length or self.options.max_length,
            max_length_ratio=self.options.search_options.get("max_length_ratio"),
            has_attention=self.options.has_attention,
            unk_replacement=None if mapping is None else UnkReplacement(mapping),
        )
        self._workers = num_workers or count_cores()
        self._interpreters = _Interpreters(
            directory.read_model(self.options), directory.model_path, self.options.batch_sizes
        )

    @classmethod
    def load(cls, model_dir: str | os.PathLike, **options: Any) -> "Translator":
        """Loads an exported model; the arguments are those of the constructor."""
        return cls(model_dir, **options)

    @property
    def n_best(self) -> int:
        """Number of translations per sentence."""
        return self.options.n_best

    def prepare(self, threads: int):
        """Loads what the given number of threads need to translate concurrently.

        Otherwise, it is loaded when they first need it.

        Args:
            threads: Number of threads.
        """
        self._interpreters.prepare(threads)

    def _decode_batch(self, source_ids, prefix, *, batch_size, with_scores, with_attention):
        name = "details" if with_scores or with_attention else "translate"
        with self._interpreters.borrow() as interpreter:
            chunks = [
                interpreter.run(
                    f"{name}_{size}",
                    _fill_up(source_ids[begin:end], size),
                    _fill_up(prefix[begin:end], size),
                    self._max_length,
                )
                for begin, end, size in _chunks(len(source_ids), self.options.batch_sizes)
            ]
        found = {
            key: _concatenate([chunk[key] for chunk in chunks])[: len(source_ids)]
            for key in chunks[0]
        }
        tree = {key.removeprefix("tree_"): found[key] for key in found if key.startswith("tree_")}
        return SimpleNamespace(
            ids=found["ids"],
            scores=found.get("scores"),
            token_scores=found.get("token_scores"),
            attention_scores=found.get("attention_scores") if with_attention else None,
            tree=BeamTree(**tree) if tree else None,
        )


def _chunks(count: int, batch_sizes: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Yields the beginning, end and batch size of each part of a batch to decode.

    A larger batch size is used if more than half of it is needed.
    """
    begin = 0
    while begin < count:
        size = max(size for size in batch_sizes if size == 1 or 2 * (count - begin) > size)
        end = min(begin + size, count)
        yield begin, end, size
        begin = end


def _fill_up(rows: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last row so that there are `size` rows."""
    missing = size - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows


def _concatenate(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


class _Interpreters:
    """Interpreters of a model, each of which is used by one thread at a time.

    Args:
        content: The content of the model file.
        path: Its path, for messages.
        batch_sizes: The batch sizes that it was traced for.
    """

    def __init__(self, content: bytes, path: Path, batch_sizes: tuple[int, ...]):
        self._model = content, path, batch_sizes
        # Making one reports a damaged file immediately. Lists are safe to append to and to pop from
        # in several threads.
        self._free = [self._make()]

    def _make(self) -> "_Interpreter":
        return _Interpreter(*self._model)

    def prepare(self, count: int):
        """Loads interpreters until the given number of them is free."""
        for _ in range(count - len(self._free)):
            self._free.append(self._make())

    @contextmanager
    def borrow(self) -> "Iterator[_Interpreter]":
        """Yields an interpreter that no other thread uses within the block."""
        try:
            interpreter = self._free.pop()
        except IndexError:
            interpreter = self._make()
        try:
            yield interpreter
        finally:
            self._free.append(interpreter)


class _Interpreter:
    """A LiteRT interpreter.

    Args:
        content: The content of the model file, which all interpreters of a model share.
        path: Its path, for messages.
        batch_sizes: The batch sizes that the model was traced for.

    Raises:
        UserError: If LiteRT is not installed, or the model is damaged.
    """

    def __init__(self, content: bytes, path: Path, batch_sizes: tuple[int, ...]):
        # LiteRT keeps a pointer to the content.
        self._content, self._path = content, path
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise UserError(
                f"running an exported model needs LiteRT: pip install ai-edge-litert ({error})"
            ) from None
        try:
            # LiteRT logs how it runs the model.
            with muted_standard_error():
                interpreter = Interpreter(model_content=content, num_threads=1)
                interpreter.allocate_tensors()
            self._runners = {
                name: interpreter.get_signature_runner(name)
                for size in batch_sizes
                for name in (f"translate_{size}", f"details_{size}")
            }
        except (ValueError, RuntimeError, OSError) as error:
            raise UserError(f"{self._problem(error)}; export the model again") from None

    def run(
        self, name: str, source_ids: np.ndarray, prefix: np.ndarray, max_length: int
    ) -> dict[str, np.ndarray]:
        """Decodes a batch of the size that a signature was traced for.

        Args:
            name: The name of the signature, such as `"translate_8"` or `"details_1"`.
            source_ids: Integers `(batch, source_length)`.
            prefix: Integers `(batch, prefix_length)`.
            max_length: Maximum number of tokens of a translation.

        Returns:
            The results by name, arrays `(batch, ...)`.

        Raises:
            RunError: If LiteRT fails.
        """
        try:
            return self._runners[name](
                source_ids=source_ids, prefix=prefix, max_length=np.int32(max_length)
            )
        except (ValueError, RuntimeError) as error:
            # The model has been loaded, so the input is not the cause.
            raise RunError(self._problem(error)) from None

    def _problem(self, error: Exception) -> str:
        reason = " ".join(str(error).split())
        return f"{self._path}: cannot be run ({reason})"
