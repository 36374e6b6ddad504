"""Prepared records as training data: one or several corpora, with weights."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from numbers import Integral
from typing import Any

import numpy as np

from keras_seq2seq.data.lines import name_of
from keras_seq2seq.data.pairs import Pairs, as_pairs
from keras_seq2seq.data.records import LINES_PER_BLOCK, SIDES, VERSION, Block, Records, is_prepared
from keras_seq2seq.errors import InputError, UserError
from keras_seq2seq.special_tokens import UNKNOWN_ID
from keras_seq2seq.text import TextEncoder


class RecordPairs(Pairs):
    """The pairs of one or more directories of prepared records.

    Args:
        paths: The directories, or one of them.
        weights: Number of times that each of them is read in an epoch. Defaults to once each.

    Attributes:
        path: The name of the data in messages.
        tokenizers: The source and target tokenizers of all records.
        hparams: Hyperparameters for training, those of the first directory.
        pairs_of_blocks: Number of pairs in each block of an epoch, int64 of shape `(blocks,)`. With
            a weight of 2, the blocks of a directory occur twice.

    Raises:
        UserError: If there is no directory, if one is damaged, if they have different tokenizers,
            or if `weights` are not as many positive whole numbers as there are directories.
    """

    is_repeatable = True

    def __init__(
        self,
        paths: str | os.PathLike | Sequence[str | os.PathLike],
        weights: Sequence[int] | None = None,
    ):
        paths = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        if not paths:
            raise UserError("expected at least one directory of prepared records, got none")
        weights = [1] * len(paths) if weights is None else list(weights)
        if len(weights) != len(paths):
            raise UserError(
                f"data_weights: expected a weight for each of the {len(paths)} prepared "
                f"directories, got {len(weights)}"
            )
        for weight in weights:
            if not isinstance(weight, Integral):
                raise UserError(f"data_weights: expected whole numbers, got {weight!r}")
        if min(weights) < 1:
            raise UserError(f"data_weights: expected at least 1, got {min(weights)}")
        self._corpora = [Records(path) for path in paths]
        self._weights = weights
        first = self._corpora[0]
        self.path = name_of([os.fspath(path) for path in paths], "corpora")
        self.names = tuple(
            name_of([corpus.manifest[side]["name"] for corpus in self._corpora], "corpora")
            for side in SIDES
        )
        self.unit = first.manifest["unit"]
        self.tokenizers, self.hparams = first.tokenizers, first.manifest["hparams"]
        dropped = Counter()
        for corpus, weight in zip(self._corpora, weights, strict=True):
            for reason, number in corpus.manifest["dropped"].items():
                dropped[reason] += weight * number
        self.dropped = dict(dropped)
        for corpus in self._corpora[1:]:
            self._check(corpus.tokenizers, f"those of {corpus.path}")
        # Line numbers continue from one corpus to the next.
        *self._lines_before, _ = accumulate((corpus.lines for corpus in self._corpora), initial=0)
        blocks = [
            np.stack([np.full(len(corpus.pairs), index), np.arange(len(corpus.pairs))], axis=1)
            for index, corpus in enumerate(self._corpora)
        ]
        # Corpus and block of each block of an epoch, (blocks, 2).
        self._blocks = self._repeat(blocks)
        self.pairs_of_blocks = self._repeat([corpus.pairs for corpus in self._corpora])

    def __iter__(self) -> Iterator:
        raise InputError(f"{self.path}: prepared records contain no text; use the text itself")

    def first(self, number: int) -> list[tuple[str, str]]:
        """Returns the first pairs as detokenized text, without unknown tokens."""
        block = self.read_block(0)
        sides = []
        for tokenizer, rows in zip(self.tokenizers, block[1:], strict=True):
            ids = np.split(rows.ids, np.cumsum(rows.counts)[:-1])[:number]
            known = [row[row != UNKNOWN_ID].tolist() for row in ids]
            tokens = map(tokenizer.vocabulary.to_tokens, known)
            sides.append(list(map(tokenizer.detokenize, tokens)))
        return list(zip(*sides, strict=True))

    def read_block(self, index: int) -> Block:
        """Reads a block of an epoch."""
        corpus, block = self._blocks[index]
        lines, source, target = self._corpora[corpus].read_block(int(block))
        return Block(lines + self._lines_before[corpus], source, target)

    def vocabulary_path(self, side: str) -> str | None:
        """Returns the vocabulary file of the first directory, `None` if the side needs no file."""
        suffix = self.tokenizers[SIDES.index(side)].vocabulary_suffix
        return None if suffix is None else f"{self._corpora[0].path / side}{suffix}"

    def token_counts(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the numbers of tokens of all pairs in parts, with the weight of each part.

        The numbers are not truncated: int64 of shape `(pairs, 2)`.
        """
        for corpus, weight in zip(self._corpora, self._weights, strict=True):
            for counts in corpus.token_counts():
                yield weight, counts

    def count_per_block(
        self, classify: Callable[[np.ndarray], np.ndarray], classes: int
    ) -> np.ndarray:
        """Counts the pairs of each class in each block.

        Args:
            classify: Function that returns the classes of pairs, given their numbers of tokens
                `(pairs, 2)`.
            classes: Number of classes.

        Returns:
            An int32 array of shape `(blocks, classes)`.
        """
        tables = []
        for corpus in self._corpora:
            table = np.zeros((len(corpus.pairs), classes), dtype=np.int32)
            ends = np.cumsum(corpus.pairs)
            position = 0
            for counts in corpus.token_counts():
                # The block of each pair is the first one that ends after it.
                pairs = np.arange(position, position + len(counts))
                blocks = np.searchsorted(ends, pairs, side="right")
                first, size = blocks[0], blocks[-1] - blocks[0] + 1
                cells = (blocks - first) * classes + classify(counts)
                numbers = np.bincount(cells, minlength=size * classes)
                table[first : first + size] += numbers.reshape(size, classes)
                position += len(counts)
            tables.append(table)
        return self._repeat(tables)

    def check_tokenizers(self, source: TextEncoder, target: TextEncoder):
        """Checks that the records were written with the tokenizers of these encoders.

        Raises:
            UserError: If they were not, or if an encoder samples, which needs text.
        """
        self._check((source.tokenizer, target.tokenizer), "the ones to train with")
        for side, encoder in zip(SIDES, (source, target), strict=True):
            if encoder.sampling_alpha:
                raise UserError(
                    f"{self.path}: {side}.sampling_alpha needs text, since prepared records "
                    "contain ids; train on the text, or leave it out"
                )

    def total(self, *names: str) -> int:
        """Returns a sum over the manifests, where a weight counts as repetition."""
        total = 0
        for corpus, weight in zip(self._corpora, self._weights, strict=True):
            value = corpus.manifest
            for name in names:
                value = value[name]
            total += weight * value
        return total

    def sha256(self, side: str) -> str:
        """Returns a hash of one side and of everything that determines the order of training."""
        content = [
            (VERSION, LINES_PER_BLOCK, corpus.manifest[side]["text_sha256"], weight)
            for corpus, weight in zip(self._corpora, self._weights, strict=True)
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def _repeat(self, parts: list[np.ndarray]) -> np.ndarray:
        pairs = zip(parts, self._weights, strict=True)
        return np.concatenate([part for part, weight in pairs for _ in range(weight)])

    def _check(self, tokenizers: tuple, what: str):
        for side, own, other in zip(SIDES, self.tokenizers, tokenizers, strict=True):
            if own != other:
                raise UserError(
                    f"{self.path}: prepared with another {side} tokenizer ({_describe(own)}) than "
                    f"{what} ({_describe(other)}); prepare the text again, or use the tokenizer in "
                    "the directory"
                )


def as_data(sources: Any, targets: Any) -> Pairs:
    """Returns the prepared records of a directory, or else the pairs of a text; see `as_pairs`."""
    if targets is None:
        paths = sources if isinstance(sources, list) else [sources]
        if paths and all(map(is_prepared, paths)):
            return RecordPairs(paths)
    return as_pairs(sources, targets)


def _describe(tokenizer: Any) -> str:
    return f"{tokenizer.name}, {tokenizer.vocabulary_size():,} ids, {tokenizer.fingerprint()[:12]}"
