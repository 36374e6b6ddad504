"""Choosing a tokenizer: by name, by its file, or for a text, with the size of its vocabulary."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_seq2seq.text.tokenizer import TOKENIZERS, Tokenizer, get_tokenizer_class
from keras_seq2seq.text.tokenizers import CONTINUATION, MIN_CONTINUATIONS, WhitespaceTokenizer
from keras_seq2seq.text.vocabulary import Vocabulary

# The thresholds of `choose_tokenizer`, which docs/data.md describes.
_SEVERAL_TOKENS = 1.5
_MOSTLY = 0.9
_MAX_SYMBOLS = 128
_MIN_REPETITIONS = 5
_SYMBOL_LENGTH = 3
_SHORT_LINE = 30
_MANY_DIGITS = 0.2

# Sizes of SentencePiece models: one piece per 200 characters of the text.
_MAX_PIECES = 8_000
_MIN_PIECES = 1_000
_CHARACTERS_PER_PIECE = 200
_BYTE_PIECES = 256

# Sizes of vocabularies of the most frequent tokens.
_MAX_WORDS = 30_000
_MANY_TOKENS = 10_000


def get_tokenizer(tokenizer: str | Tokenizer, vocabulary: Vocabulary | None = None) -> Tokenizer:
    """Returns a tokenizer.

    Args:
        tokenizer: Name of a registered tokenizer, such as `"whitespace"` or `"characters"`, or a
            `Tokenizer`, which is returned unchanged.
        vocabulary: The `Vocabulary` of a tokenizer given by name.

    Returns:
        The `Tokenizer`.

    Raises:
        UserError: If there is no tokenizer of that name.
        TypeError: If `tokenizer` is neither a name nor a `Tokenizer`, or if it is a `Tokenizer`
            and there is a `vocabulary` as well.

    Example:
        >>> get_tokenizer("characters").split("3 may")
        ['3', '▁', 'm', 'a', 'y']
    """
    if isinstance(tokenizer, str):
        return get_tokenizer_class(tokenizer)(vocabulary)
    if not isinstance(tokenizer, Tokenizer):
        raise TypeError(f"expected a Tokenizer or its name. Received: {tokenizer!r}")
    if vocabulary is not None:
        raise TypeError("expected either the name of a tokenizer and a vocabulary, or a Tokenizer")
    return tokenizer


def default_tokenizer(path: str | os.PathLike | None) -> str:
    """Returns the name of the tokenizer of a vocabulary file, by the suffix of the file.

    Args:
        path: The file, such as "NAME.model" of a SentencePiece model. `None` if there is none.

    Returns:
        The name, `"whitespace"` unless the suffix is that of another tokenizer.

    Example:
        >>> default_tokenizer("raw.model")
        'sentencepiece'
    """
    suffix = "" if path is None else Path(path).suffix
    if suffix not in ("", Tokenizer.vocabulary_suffix):
        for name, tokenizer_class in TOKENIZERS.items():
            if tokenizer_class.vocabulary_suffix == suffix:
                return name
    return "whitespace"


class Choice(NamedTuple):
    """The tokenizer that suits a text.

    Attributes:
        name: The name of the tokenizer.
        kind: What the text consists of, in words.
    """

    name: str
    kind: str


def choose_tokenizer(lines: Sequence[str]) -> Choice:
    """Chooses a tokenizer based on statistics of a text.

    The first rule that matches is used. In these rules, tokens are separated by whitespace:

    1. `whitespace` if at least 1 % of the tokens end in "@@" (the output of subword-nmt).
    2. `whitespace` if lines have 1.5 tokens or more on average, and either 90 % of the tokens are
       single characters, or there are at most 128 distinct tokens, which have at most three
       characters and occur at least five times on average (symbols such as phones).
    3. `characters` if lines have at most 30 characters on average, and either fewer than 1.5 tokens
       on average or 20 % digits (single words, dates and numbers).
    4. `sentencepiece` for everything else (raw text).

    Args:
        lines: The text, or a sample of it.

    Returns:
        A named tuple `(name, kind)`.

    Example:

    >>> choose_tokenizer(["HELLO", "WORLD"])
    Choice(name='characters', kind='short strings')
    """
    lines = [line.strip() for line in lines]
    counts = Counter(token for line in lines for token in WhitespaceTokenizer().split(line))
    tokens, characters = counts.total(), sum(map(len, lines))
    if not tokens:
        return Choice("sentencepiece", "raw text")
    continued = sum(n for token, n in counts.items() if token.endswith(CONTINUATION))
    if continued >= MIN_CONTINUATIONS * tokens:
        return Choice("whitespace", "subwords of subword-nmt")
    has_several = tokens >= _SEVERAL_TOKENS * len(lines)
    single = sum(n for token, n in counts.items() if len(token) == 1)
    are_symbols = (
        len(counts) <= _MAX_SYMBOLS
        and tokens >= _MIN_REPETITIONS * len(counts)
        and sum(n * len(token) for token, n in counts.items()) <= _SYMBOL_LENGTH * tokens
    )
    if has_several and (single >= _MOSTLY * tokens or are_symbols):
        return Choice("whitespace", "symbols")
    digits = sum(n * sum(map(str.isdigit, token)) for token, n in counts.items())
    is_short = characters <= _SHORT_LINE * len(lines)
    if is_short and (not has_several or digits >= _MANY_DIGITS * characters):
        return Choice("characters", "short strings")
    return Choice("sentencepiece", "raw text")


def build_tokenizer(
    name: str,
    lines: Sequence[str],
    size: int | None = None,
    min_frequency: int | None = None,
    **options: Any,
) -> Tokenizer:
    """Builds a tokenizer with a vocabulary whose size suits the text.

    Args:
        name: The name of the tokenizer.
        lines: The text, or a sample of it.
        size: Maximum number of tokens. Defaults to 30,000, or for SentencePiece to one piece per
            200 characters of the text, at least 1,000 and at most 8,000, or to 256 pieces for
            bytes plus two per distinct character if that is more.
        min_frequency: Minimum number of occurrences of a token, except with SentencePiece. Defaults
            to 2 if the text has at least 10,000 tokens, and to 1 otherwise.
        **options: Arguments of the tokenizer.

    Returns:
        The tokenizer.

    Raises:
        UserError: If the vocabulary would be empty, or `size` is too small for the characters of
            the text.

    Example:

    >>> build_tokenizer("words", ["A man sleeps.", "A dog."]).vocabulary.tokens
    ('A', '￭.', 'dog', 'man', 'sleeps')
    """
    tokenizer_class = get_tokenizer_class(name)
    if tokenizer_class.vocabulary_suffix is None:
        return tokenizer_class(**options)
    if tokenizer_class.vocabulary_suffix == Tokenizer.vocabulary_suffix:
        if min_frequency is None:
            split = tokenizer_class(**options).split_line
            min_frequency = 2 if sum(len(split(line)) for line in lines) >= _MANY_TOKENS else 1
        return tokenizer_class.build(lines, size or _MAX_WORDS, min_frequency, **options)
    with warnings.catch_warnings():
        # The default size may be too large for the text.
        warnings.simplefilter("ignore", UserWarning)
        return tokenizer_class.build(lines, size or _count_pieces(lines), **options)


def _count_pieces(lines: Sequence[str]) -> int:
    """Returns the number of pieces for a SentencePiece model of a text."""
    pieces = sum(map(len, lines)) // _CHARACTERS_PER_PIECE
    pieces = min(max(pieces, _MIN_PIECES), _MAX_PIECES)
    return max(pieces, _BYTE_PIECES + 2 * len(set().union(*lines)))
