"""The words that a model knows, and their ids."""

import os
from collections import Counter
from collections.abc import Iterable

from keras_seq2seq.data.atomic_file import atomic_file
from keras_seq2seq.data.vocabulary_file import read_vocabulary_file
from keras_seq2seq.errors import UserError
from keras_seq2seq.special_tokens import RESERVED_TOKENS, SPECIAL_TOKENS, UNKNOWN_ID


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
