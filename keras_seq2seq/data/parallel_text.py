"""Checking a parallel text before hours are spent on it."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from keras_seq2seq.data.text_counter import TextCounter
from keras_seq2seq.data.text_lines import read_lines
from keras_seq2seq.data.text_summary import TextSummary
from keras_seq2seq.data.tokenizers import get_tokenizer
from keras_seq2seq.data.vocabulary import Vocabulary
from keras_seq2seq.errors import UserError


@dataclass(frozen=True)
class ParallelTextSummary:
    """What `scan_parallel_text` found.

    Attributes:
        lines: Number of lines of either file.
        empty_pairs: Number of pairs with an empty side, which training skips.
        source: `TextSummary` of the source side of the other pairs.
        target: `TextSummary` of their target side.
        lengths: Number of those pairs by their lengths `(source, target)` after cutting, the end
            tokens included.
    """

    lines: int
    empty_pairs: int
    source: TextSummary
    target: TextSummary
    lengths: Mapping[tuple[int, int], int]

    @property
    def pairs(self) -> int:
        """Number of pairs that can be used."""
        return self.lines - self.empty_pairs


def scan_parallel_text(
    source_path: str | os.PathLike,
    target_path: str | os.PathLike,
    source_tokenizer,
    target_tokenizer,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    source_max_length: int,
    target_max_length: int,
) -> ParallelTextSummary:
    """Reads two line-aligned files once, in constant memory, and counts what is in them.

    Args:
        source_path: Text with one sequence a line, plain or `.gz`.
        target_path: The text that belongs to it, line by line.
        source_tokenizer: A name or an object, see `get_tokenizer`.
        target_tokenizer: Likewise.
        source_vocabulary: `Vocabulary` of the sources.
        target_vocabulary: `Vocabulary` of the targets.
        source_max_length: The most ids of a source, the end token included.
        target_max_length: Likewise for targets.

    Returns:
        A `ParallelTextSummary`.

    Raises:
        UserError: If a file is missing, unreadable, empty, binary, not UTF-8 or damaged; if the
            files differ in their number of lines; if no pair has text on both sides; or if a
            vocabulary knows no token of its file.
    """
    source = TextCounter(
        source_path, get_tokenizer(source_tokenizer), source_vocabulary, source_max_length
    )
    target = TextCounter(
        target_path, get_tokenizer(target_tokenizer), target_vocabulary, target_max_length
    )
    empty_pairs = 0
    lengths = Counter()
    for source_line, target_line in zip_longest(read_lines(source_path), read_lines(target_path)):
        source_tokens, target_tokens = source.read(source_line), target.read(target_line)
        if source_tokens and target_tokens:
            lengths[source.count(source_tokens), target.count(target_tokens)] += 1
        else:
            empty_pairs += 1
    _check_lines(source, target, empty_pairs)
    source.check_vocabulary("source")
    target.check_vocabulary("target")
    return ParallelTextSummary(
        source.lines, empty_pairs, source.summary(), target.summary(), lengths
    )


def _check_lines(source: TextCounter, target: TextCounter, empty_pairs: int):
    for text in (source, target):
        if not text.lines:
            raise UserError(f"{text.path}: empty file; expected text with one sequence a line")
    if source.lines != target.lines:
        raise UserError(
            f"{source.path} has {source.lines} lines, but {target.path} has {target.lines}; "
            "expected line-aligned files"
        )
    if empty_pairs == source.lines:
        raise UserError(
            f"{source.path} and {target.path} have no usable pair: each of their {source.lines} "
            "lines is empty on one side or on both"
        )
