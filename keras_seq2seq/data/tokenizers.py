"""Tokenizers by the names that configurations use."""

from difflib import get_close_matches
from typing import Any

from keras_seq2seq.data.character_tokenizer import CharacterTokenizer
from keras_seq2seq.data.whitespace_tokenizer import WhitespaceTokenizer
from keras_seq2seq.errors import UserError

_TOKENIZERS = {tokenizer.name: tokenizer for tokenizer in (WhitespaceTokenizer, CharacterTokenizer)}


def get_tokenizer(tokenizer: str | Any):
    """Finds a tokenizer by its name.

    Args:
        tokenizer: `"whitespace"` or `"characters"`, or an object with the `name` and the methods
            `tokenize`, `split` and `join` of `WhitespaceTokenizer`, which is returned as it is.
            `tokenize` becomes part of a graph as it is, without AutoGraph.

    Returns:
        The tokenizer.

    Raises:
        UserError: If there is no tokenizer of that name.
    """
    if not isinstance(tokenizer, str):
        return tokenizer
    if tokenizer not in _TOKENIZERS:
        near = get_close_matches(tokenizer.lower(), _TOKENIZERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(_TOKENIZERS)}"
        raise UserError(f"unknown tokenizer {tokenizer!r}; {hint}")
    return _TOKENIZERS[tokenizer]()
