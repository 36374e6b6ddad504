"""Vocabularies, which map tokens to ids."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TextIO

from keras_seq2seq.errors import UserError, check_at_least
from keras_seq2seq.files.reading import read_small_file
from keras_seq2seq.files.text_lines import BYTE_ORDER_MARK, read_lines
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.special_tokens import MAX_TOKENS, RESERVED_TOKENS, SPECIAL_TOKENS, UNKNOWN_ID

# Written so that both Python's `re` and TensorFlow's RE2 accept it within brackets.
WIDE_WHITESPACE = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
WHITESPACE = f"\t-\r {WIDE_WHITESPACE}"

# The same characters, for `str.strip`.
WHITESPACE_CHARACTERS = "".join(re.findall(f"[{WHITESPACE}]", "".join(map(chr, range(0x3001)))))

_BLANK = re.compile(f"[{WHITESPACE}]")
# The column after the pieces in the .vocab files of SentencePiece.
_SCORE = re.compile("-[0-9]+(?:[.][0-9]+)?")
# What `Vocabulary.save` writes, without and with counts.
_TOKENS = re.compile(f"(?:[^{WHITESPACE}]+\n)+")
_TOKENS_AND_COUNTS = re.compile(f"(?:[^{WHITESPACE}]+\t[0-9]{{1,18}}\n)+")


def read_vocabulary_file(path: str | os.PathLike) -> tuple[list[str], list[int] | None]:
    """Reads a file with one token per line, optionally followed by a tab and a count.

    Args:
        path: The file: UTF-8, plain or compressed. A byte-order mark at its start, carriage returns
            at the ends of lines, and whitespace around tokens are ignored.

    Returns:
        The tokens, and their counts or `None` if the file has no counts.

    Raises:
        UserError: If the file cannot be read, is empty, or contains a blank line, a duplicate or
            reserved token, a token with whitespace in it, or an invalid count, or if there are
            more than `MAX_TOKENS`. The message includes the line number.
    """
    return _read_at_once(path) or _read_line_by_line(path)


def _read_at_once(path: str | os.PathLike) -> tuple[list[str], list[int] | None] | None:
    """Reads a file that was written by `Vocabulary.save`, in a tenth of the time.

    Returns:
        `None` for other files, which may be valid too.
    """
    try:
        text = read_small_file(path).decode("utf-8")
    except (UserError, UnicodeDecodeError):
        return None
    if "\0" in text or text.startswith(BYTE_ORDER_MARK):
        return None
    if _TOKENS.fullmatch(text):
        tokens, counts = text.split("\n")[:-1], None
    elif _TOKENS_AND_COUNTS.fullmatch(text):
        fields = text.replace("\n", "\t").split("\t")[:-1]
        tokens, counts = fields[::2], list(map(int, fields[1::2]))
    else:
        return None
    is_valid = len(set(tokens)) == len(tokens) <= MAX_TOKENS
    return (tokens, counts) if is_valid and RESERVED_TOKENS.isdisjoint(tokens) else None


def _read_line_by_line(path: str | os.PathLike) -> tuple[list[str], list[int] | None]:
    line_of: dict[str, int] = {}
    counts: list[int | None] = []
    # Any other byte-order mark is a part of the token.
    for number, line in enumerate(read_lines(path, is_joined=False), 1):
        place = f"{path}:{number}"
        if number > MAX_TOKENS:
            raise UserError(f"{place}: too many tokens; expected at most {MAX_TOKENS}")
        token, count = _parse_line(line, place)
        if token in line_of:
            raise UserError(f"{place}: {token!r} duplicates line {line_of[token]}; remove one")
        if counts and (count is None) != (counts[0] is None):
            raise UserError(
                f"{place}: counts on some lines only; expected all lines or none to have one"
            )
        line_of[token] = number
        counts.append(count)
    if not line_of:
        raise UserError(f"{path}: empty file; expected a vocabulary with one token per line")
    return list(line_of), None if counts[0] is None else counts


def _parse_line(line: str, place: str) -> tuple[str, int | None]:
    # Without an argument, `str.strip` would also remove tokens such as U+001C.
    token, _, count = (part.strip(WHITESPACE_CHARACTERS) for part in line.partition("\t"))
    if _SCORE.fullmatch(count) or (token in RESERVED_TOKENS and count == "0"):
        raise UserError(
            f"{place}: a score, as in the .vocab file of a SentencePiece model; use its .model file"
        )
    if not token:
        raise UserError(f"{place}: blank line; expected a token (remove the line)")
    if token in RESERVED_TOKENS:
        raise UserError(f"{place}: {token!r} is reserved for a special token; remove the line")
    if _BLANK.search(token):
        raise UserError(
            f"{place}: whitespace in {token!r}; expected one token, optionally a tab and a count"
        )
    return token, _parse_count(count, place) if count else None


def _parse_count(text: str, place: str) -> int:
    # int() would also accept "-1", "1_000" and "+5", and refuses thousands of digits.
    if not re.fullmatch("[0-9]{1,1000}", text):
        raise UserError(
            f"{place}: invalid count {text[:60]!r} after the tab; expected a whole number"
        )
    return int(text)


class Vocabulary:
    """Maps tokens to ids and back.

    Ids 0 to 3 are padding, unknown, sequence start and sequence end; the first token has id 4.

    Args:
        tokens: The tokens in the order of their ids, without special tokens and duplicates.
        counts: Number of occurrences of each token in the text that the vocabulary was built
            from, if known.

    Raises:
        UserError: If there are no tokens, if a token is a duplicate or reserved, or if the numbers
            of tokens and counts differ.
        TypeError: If `tokens` is a text instead of a list of tokens.

    Example:

    >>> vocabulary = Vocabulary(["a", "man"])
    >>> vocabulary.to_ids(["a", "dog"])
    [4, 1]
    >>> len(vocabulary)
    6
    """

    # Tokens that must not be in the vocabulary.
    reserved = RESERVED_TOKENS

    def __init__(self, tokens: Iterable[str], counts: Iterable[int] | None = None):
        # A string without whitespace is accepted as the list of its characters.
        if isinstance(tokens, bytes) or (isinstance(tokens, str) and _BLANK.search(tokens)):
            raise TypeError(f"`tokens` must be a list of tokens. Received: {tokens[:60]!r}")
        self.tokens = tuple(tokens)
        self.counts = None if counts is None else tuple(counts)
        self._id_of = {token: i for i, token in enumerate(self.tokens, len(SPECIAL_TOKENS))}
        self._check()

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Reads a vocabulary file: one token per line, optionally followed by a tab and a count.

        Args:
            path: The file, in UTF-8.

        Returns:
            The vocabulary.

        Raises:
            UserError: If the file cannot be read or is not a valid vocabulary, see
                `read_vocabulary_file`.
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

        Reserved tokens that occur in the text are left out.

        Args:
            token_lists: The tokens of each line, or their counts as a `Counter`.
            size: Maximum number of tokens to keep, not counting the special tokens. Defaults to
                no limit.
            min_frequency: Minimum number of occurrences of a token to be kept.

        Returns:
            The vocabulary, with counts. It is sorted by decreasing frequency, then by code point.

        Raises:
            UserError: If no token is left, or if `size` or `min_frequency` is less than 1.
            TypeError: If `token_lists` is a string or contains one instead of a list of tokens.
        """
        check_at_least(1, size=1 if size is None else size, min_frequency=min_frequency)
        counts = token_lists if isinstance(token_lists, Counter) else _count(token_lists)
        kept = sorted(
            (-count, token)
            for token, count in counts.items()
            if count >= min_frequency and token not in RESERVED_TOKENS
        )[:size]
        if not kept:
            raise UserError(
                f"no token occurs at least {min_frequency} times; the vocabulary would be empty"
            )
        if len(kept) > MAX_TOKENS:
            raise UserError(
                f"the text has {len(kept)} different tokens; expected at most {MAX_TOKENS} (set a "
                "size or a higher min_frequency)"
            )
        return cls([token for _, token in kept], [-count for count, _ in kept])

    def save(self, path: str | os.PathLike):
        """Writes the file that `load` reads, atomically."""
        with atomic_file(path) as file:
            self.write(file)

    def write(self, file: TextIO):
        """Writes what `load` reads to an open file."""
        if self.tokens[0].startswith(BYTE_ORDER_MARK):
            # `load` removes the first one.
            file.write(BYTE_ORDER_MARK)
        if self.counts is None:
            file.writelines(f"{token}\n" for token in self.tokens)
        else:
            rows = zip(self.tokens, self.counts, strict=True)
            file.writelines(f"{token}\t{count}\n" for token, count in rows)

    def to_ids(self, tokens: Iterable[str]) -> list[int]:
        """Maps tokens to ids, and those that are not in the vocabulary to `UNKNOWN_ID`."""
        return [self._id_of.get(token, UNKNOWN_ID) for token in tokens]

    def count_unknown(self, tokens: Sequence[str]) -> int:
        """Returns the number of tokens that are not in the vocabulary."""
        return len(tokens) - sum(map(self._id_of.__contains__, tokens))

    def to_tokens(self, ids: Iterable[int]) -> list[str]:
        """Maps ids to tokens; the special ids become `<pad>`, `<unk>`, `<s>` and `</s>`.

        Raises:
            IndexError: If an id is negative or not less than `len(vocabulary)`.
        """
        return [self._token(int(i)) for i in ids]

    def lookup_table(self):
        """Returns a `tf.lookup.StaticHashTable` that maps string tokens to int32 ids."""
        import tensorflow as tf

        ids = tf.constant(self.to_ids(self.tokens), tf.int32)
        entries = tf.lookup.KeyValueTensorInitializer(tf.constant(self.tokens), ids)
        return tf.lookup.StaticHashTable(entries, default_value=UNKNOWN_ID)

    def __len__(self) -> int:
        """The number of ids, including the four special tokens."""
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
            raise IndexError(f"id {i} is not in the vocabulary; expected 0 to {len(self) - 1}")
        special = len(SPECIAL_TOKENS)
        return SPECIAL_TOKENS[i] if i < special else self.tokens[i - special]

    def _check(self):
        if not self.tokens:
            raise UserError("a vocabulary needs at least one token")
        if len(self._id_of) < len(self.tokens):
            token, count = Counter(self.tokens).most_common(1)[0]
            raise UserError(f"token {token!r} occurs {count} times in the vocabulary")
        if reserved := self.reserved.intersection(self._id_of):
            raise UserError(f"{min(reserved)!r} is reserved for a special token; remove it")
        if self.counts is not None and len(self.counts) != len(self.tokens):
            raise UserError(f"{len(self.tokens)} tokens, but {len(self.counts)} counts")


def _count(token_lists: Iterable[Iterable[str]]) -> Counter:
    counts = Counter()
    _check_not_text(token_lists, "token_lists")
    for index, tokens in enumerate(token_lists):
        _check_not_text(tokens, f"token_lists[{index}]")
        counts.update(tokens)
    return counts


def _check_not_text(tokens, place: str):
    # A string is iterable too: its characters would become tokens.
    if isinstance(tokens, (str, bytes)):
        raise TypeError(
            f"{place} is {tokens[:60]!r}; expected a list of tokens (WhitespaceTokenizer.build and "
            "CharacterTokenizer.build take lines of text)"
        )
