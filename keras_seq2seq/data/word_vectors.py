"""Pretrained word vectors."""

import os
from dataclasses import dataclass

import numpy as np

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.compression import open_text
from keras_seq2seq.files.text_lines import raw_lines
from keras_seq2seq.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class WordVectors:
    """The word vectors of the tokens of a vocabulary.

    Attributes:
        ids: The ids of the tokens that have a vector, int64 of shape `(found,)`, increasing.
        vectors: Their vectors, float32 of shape `(found, size)`.
    """

    ids: np.ndarray
    vectors: np.ndarray


def read_word_vectors(path: str | os.PathLike, vocabulary: Vocabulary, size: int) -> WordVectors:
    """Reads a text file of word vectors in the format of word2vec, fastText and GloVe.

    Each line has a token and the numbers of its vector, separated by single spaces. The first line
    can be a header with two numbers, the number of tokens and the size of the vectors. If a token
    occurs more than once, its first line is used.

    Args:
        path: The file, plain or compressed.
        vocabulary: The vocabulary. Other tokens of the file are skipped.
        size: The expected size of the vectors.

    Returns:
        The vectors of the tokens that are both in the file and in the vocabulary.

    Raises:
        UserError: If the file cannot be read, has vectors of another size or a malformed line, or
            contains no token of the vocabulary.

    Example:
        >>> vectors = read_word_vectors("glove.6B.100d.txt", vocabulary, size=100)
    """
    wanted = {token.encode(): vocabulary.to_ids([token])[0] for token in vocabulary.tokens}
    found = {}
    with open_text(path) as stream:
        for number, line in enumerate(raw_lines(stream, path), 1):
            line = line.rstrip()
            if number == 1:
                _check_size(path, line, size)
            # Split from the right, since a token can contain spaces.
            token, *numbers = line.rsplit(b" ", size)
            if len(numbers) < size:
                if number == 1 and len(numbers) == 1:
                    continue
                raise UserError(
                    f"{path}:{number}: expected a token and {size} numbers, got "
                    f"{len(numbers) + 1} columns"
                )
            if token in wanted and wanted[token] not in found:
                found[wanted[token]] = _to_vector(numbers, f"{path}:{number}")
    if not found:
        raise UserError(
            f"{path}: contains none of the {len(vocabulary.tokens):,} tokens of the vocabulary"
        )
    ids = sorted(found)
    return WordVectors(np.array(ids), np.stack([found[i] for i in ids]))


def _check_size(path, line: bytes, size: int):
    columns = line.split(b" ")
    # Longer numbers are no sizes, and int() refuses very long ones.
    if len(columns) == 2 and columns[1].isdigit() and len(columns[1]) < 10:
        there = int(columns[1])
    else:
        is_number = [_is_number(column) for column in columns[:0:-1]]
        there = is_number.index(False) if False in is_number else len(is_number)
    if there < 1:
        raise UserError(
            f"{path}:1: expected a token and {size} numbers, as in the format of word2vec"
        )
    if there != size:
        raise UserError(
            f"{path}: the vectors have {there} numbers, but embedding.dim is {size}; set "
            f"embedding.dim={there}"
        )


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _to_vector(numbers: list[bytes], place: str) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            vector = np.array(numbers, dtype=np.float32)
    except ValueError:
        vector = np.array([np.nan])
    if not np.isfinite(vector).all():
        raise UserError(f"{place}: expected {len(numbers)} numbers after the token")
    return vector
