"""Vocabularies: the tokens of a model and their ids."""

import os
import re
from collections import Counter
from collections.abc import Iterable

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.text_lines import read_lines
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.special_tokens import RESERVED_TOKENS, SPECIAL_TOKENS, UNKNOWN_ID
from keras_seq2seq.text.tokenizers import WHITESPACE

_BLANK = re.compile(f"[{WHITESPACE}]")


def read_vocabulary_file(path: str | os.PathLike) -> tuple[list[str], list[int] | None]:
    """Reads one token a line, each optionally followed by a tab and a count.

    Args:
        path: The file: UTF-8, plain or `.gz`. A byte-order mark, carriage returns and blanks
            at the ends of lines are dropped.

    Returns:
        The tokens, and their counts, or `None` where no line has one.

    Raises:
        UserError: If the file cannot be read, is empty, or has a blank line, a token twice, a
            reserved token, a token with a blank inside or a count that is none. It names the
            line.
    """
    line_of: dict[str, int] = {}
    counts: list[int | None] = []
    for number, line in enumerate(read_lines(path), 1):
        place = f"{path}:{number}"
        token, count = _parse_line(line, place)
        if token in line_of:
            raise UserError(f"{place}: {token!r} is already on line {line_of[token]}; remove one")
        if counts and (count is None) != (counts[0] is None):
            raise UserError(f"{place}: a count on some lines only; expected one on each or none")
        line_of[token] = number
        counts.append(count)
    if not line_of:
        raise UserError(f"{path}: empty file; expected a vocabulary with one token a line")
    return list(line_of), None if counts[0] is None else counts


def _parse_line(line: str, place: str) -> tuple[str, int | None]:
    token, tab, count = line.rstrip().partition("\t")
    token = token.strip()
    if not token:
        raise UserError(f"{place}: blank line; expected a token (remove the line)")
    if token in RESERVED_TOKENS:
        raise UserError(f"{place}: {token!r} is reserved and added by the program; remove the line")
    if _BLANK.search(token):
        raise UserError(
            f"{place}: blank inside of {token!r}; expected one token, and a tab before a count"
        )
    return token, _parse_count(count, place) if tab else None


def _parse_count(text: str, place: str) -> int:
    # Not int(): it also takes "-1", "1_000" and "+5".
    if not re.fullmatch("[0-9]+", text.strip()):
        raise UserError(f"{place}: count {text!r} after the tab; expected a whole number")
    return int(text)


class Vocabulary:
    """An ordered list of tokens; ids start after those of the special tokens.

    Ids 0 to 3 are padding, unknown, sequence start and sequence end; the first token has id 4.

    Args:
        tokens: The tokens in order, without special ones and without repeats.
        counts: How often each occurs in the text that the vocabulary was made from, if known.

    Raises:
        UserError: If there are no tokens, if one occurs twice or is reserved, or if there are
            not as many counts as tokens.

    Example:

    >>> vocabulary = Vocabulary(["a", "man"])
    >>> vocabulary.to_ids(["a", "dog"])
    [4, 1]
    >>> len(vocabulary)
    6
    """

    def __init__(self, tokens: Iterable[str], counts: Iterable[int] | None = None):
        self.tokens = tuple(tokens)
        self.counts = None if counts is None else tuple(counts)
        self._id_of = {token: i for i, token in enumerate(self.tokens, len(SPECIAL_TOKENS))}
        self._check()

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads a vocabulary file: one token a line, optionally followed by a tab and a count.

        Args:
            path: The file, in UTF-8.

        Returns:
            The vocabulary.

        Raises:
            UserError: If the file cannot be read, or holds anything but distinct, ordinary
                tokens. It names the line.
        """
        return cls(*read_vocabulary_file(path))

    @classmethod
    def build(
        cls,
        token_lists: Counter | Iterable[Iterable[str]],
        size: int | None = None,
        min_frequency: int = 1,
    ) -> "Vocabulary":
        """Counts tokens and keeps the most frequent ones.

        Special tokens that occur in the text are left out: they are unknown words there.

        Args:
            token_lists: The tokens of each line, or their counts as a `Counter`.
            size: How many tokens to keep at most, special ones not counted.
            min_frequency: How often a token must occur to be kept.

        Returns:
            The vocabulary with counts, the most frequent token first; equally frequent ones in
            the order of their code points.

        Raises:
            UserError: If no token is left, or if `size` or `min_frequency` is not positive.
        """
        if size is not None and size < 1:
            raise UserError(f"size of the vocabulary is {size}; expected at least 1")
        if min_frequency < 1:
            raise UserError(f"min_frequency is {min_frequency}; expected at least 1")
        counts = token_lists if isinstance(token_lists, Counter) else _count(token_lists)
        kept = sorted(
            (-count, token)
            for token, count in counts.items()
            if count >= min_frequency and token not in RESERVED_TOKENS
        )[:size]
        if not kept:
            raise UserError(
                f"no token occurs at least {min_frequency} times; there is no vocabulary to build"
            )
        return cls([token for _, token in kept], [-count for count, _ in kept])

    def save(self, path: str | os.PathLike):
        """Writes the file that `load` reads; it is never there in half."""
        with atomic_file(path) as file:
            if self.counts is None:
                file.writelines(f"{token}\n" for token in self.tokens)
            else:
                rows = zip(self.tokens, self.counts, strict=True)
                file.writelines(f"{token}\t{count}\n" for token, count in rows)

    def to_ids(self, tokens: Iterable[str]) -> list[int]:
        """Maps tokens to ids; what is not in the vocabulary becomes `UNKNOWN_ID`."""
        return [self._id_of.get(token, UNKNOWN_ID) for token in tokens]

    def to_tokens(self, ids: Iterable[int]) -> list[str]:
        """Maps ids to tokens; the special ids become `<pad>`, `<unk>`, `<s>` and `</s>`.

        Raises:
            IndexError: If an id is negative or not below `len(vocabulary)`.
        """
        return [self._token(int(i)) for i in ids]

    def lookup_table(self):
        """Returns a `tf.lookup.StaticHashTable` from string tokens to int32 ids."""
        import tensorflow as tf

        ids = tf.constant(self.to_ids(self.tokens), tf.int32)
        entries = tf.lookup.KeyValueTensorInitializer(tf.constant(self.tokens), ids)
        return tf.lookup.StaticHashTable(entries, default_value=UNKNOWN_ID)

    def __len__(self) -> int:
        """The number of ids, those of the four special tokens included."""
        return len(SPECIAL_TOKENS) + len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._id_of

    def __eq__(self, other) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    __hash__ = None

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.tokens)} tokens)"

    def _token(self, i: int) -> str:
        if not 0 <= i < len(self):
            raise IndexError(f"id {i} is outside of the vocabulary: expected 0 to {len(self) - 1}")
        special = len(SPECIAL_TOKENS)
        return SPECIAL_TOKENS[i] if i < special else self.tokens[i - special]

    def _check(self):
        if not self.tokens:
            raise UserError("a vocabulary needs at least one token")
        if len(self._id_of) < len(self.tokens):
            token, count = Counter(self.tokens).most_common(1)[0]
            raise UserError(f"token {token!r} is {count} times in the vocabulary")
        if reserved := RESERVED_TOKENS.intersection(self._id_of):
            raise UserError(f"{min(reserved)!r} is reserved; leave it out of the vocabulary")
        if self.counts is not None and len(self.counts) != len(self.tokens):
            raise UserError(f"{len(self.tokens)} tokens, but {len(self.counts)} counts")


def _count(token_lists: Iterable[Iterable[str]]) -> Counter:
    counts = Counter()
    for tokens in token_lists:
        counts.update(tokens)
    return counts
