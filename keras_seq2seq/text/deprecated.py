"""Keywords of version 0.1 that described the text of one side, before there was `TextEncoder`."""

import functools
import inspect
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar, cast

from keras_seq2seq.text.automatic import get_tokenizer
from keras_seq2seq.text.text_encoder import TextEncoder
from keras_seq2seq.text.tokenizer import Tokenizer
from keras_seq2seq.text.vocabulary import Vocabulary

# Keywords that only have a new name.
_RENAMED = {
    "source_file": "sources",
    "target_file": "targets",
    "source_path": "sources",
    "target_path": "targets",
    "source_vocabulary": "source",
    "target_vocabulary": "target",
    "parts": "shards",
    "all_parts": "num_shards",
    "fixed_weights": "frozen_weights",
}

# Keywords that are now part of a text encoder: its side and the argument there.
_TEXT_OPTIONS = {
    "source_tokenizer": ("source", "tokenizer"),
    "target_tokenizer": ("target", "tokenizer"),
    "source_max_length": ("source", "max_length"),
    "target_max_length": ("target", "max_length"),
    "reverse_source": ("source", "reverse"),
}

FILE_KEYWORDS = ("source_file", "target_file")
TEXT_KEYWORDS = (
    "source_vocabulary",
    "target_vocabulary",
    "source_tokenizer",
    "target_tokenizer",
    "reverse_source",
)
LENGTH_KEYWORDS = ("source_max_length", "target_max_length")
SHARD_KEYWORDS = ("parts", "all_parts")


Function = TypeVar("Function", bound=Callable[..., Any])


def accept_deprecated_keywords(*names: str, hint: str = "") -> Callable[[Function], Function]:
    """Makes a function accept keywords of version 0.1, with a `DeprecationWarning`.

    The function has the arguments `source` and `target`. Unknown keywords raise a `TypeError` that
    suggests the most similar one.

    Args:
        *names: The deprecated keywords.
        hint: The end of the message about a keyword that is similar to no other.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args, **kwargs):
            old = {name: kwargs.pop(name) for name in names if name in kwargs}
            _check_keywords(function, signature, kwargs, hint)
            if not old:
                return function(*args, **kwargs)
            bound = signature.bind_partial(*args, **kwargs)
            for name in old:
                warnings.warn(
                    f"{name}= is deprecated; {_replacement(name)}", DeprecationWarning, stacklevel=2
                )
            bound.arguments.update(_convert(old, bound.arguments))
            return function(*bound.args, **bound.kwargs)

        return cast(Function, call)

    return decorate


def _check_keywords(
    function: Callable, signature: inspect.Signature, kwargs: dict[str, Any], hint: str
):
    for name in kwargs:
        if name not in signature.parameters:
            near = get_close_matches(name, signature.parameters, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else hint
            raise TypeError(
                f"{function.__qualname__}() got an unexpected keyword argument {name!r}{hint}"
            )


def _replacement(name: str) -> str:
    if name in _RENAMED:
        return f"use {_RENAMED[name]}="
    side, option = _TEXT_OPTIONS[name]
    value = "WhitespaceTokenizer or CharacterTokenizer" if option == "tokenizer" else "TextEncoder"
    return f"use {side}= with a {value}" + ("" if option == "tokenizer" else f"(..., {option}=...)")


def _convert(old: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments that replace deprecated keywords."""
    new = {_RENAMED[name]: value for name, value in old.items() if name in _RENAMED}
    if both := sorted(new.keys() & arguments.keys()):
        raise TypeError(f"{both[0]}= was given twice, once under its deprecated name")
    for side in ("source", "target"):
        options = {
            option: old[name]
            for name, (of_side, option) in _TEXT_OPTIONS.items()
            if of_side == side and name in old
        }
        if not options:
            continue
        vocabulary = new.get(side, arguments.get(side))
        if not isinstance(vocabulary, Vocabulary):
            raise TypeError(
                f"the deprecated options of {side}= need a Vocabulary. Received: {vocabulary!r}"
            )
        tokenizer = options.pop("tokenizer", "whitespace")
        new[side] = TextEncoder(_with_vocabulary(tokenizer, vocabulary), **options)
    return new


def _with_vocabulary(tokenizer: Any, vocabulary: Vocabulary) -> Tokenizer:
    if isinstance(tokenizer, str):
        return get_tokenizer(tokenizer, vocabulary)
    if isinstance(tokenizer, Tokenizer):
        return type(tokenizer)(vocabulary, **tokenizer.get_config())
    return _DuckTokenizer(tokenizer, vocabulary)


class _DuckTokenizer(Tokenizer):
    """Wraps an object with the methods `tokenize`, `split` and `join` of version 0.1."""

    def __init__(self, tokenizer: Any, vocabulary: Vocabulary):
        super().__init__(vocabulary)
        self.name = getattr(tokenizer, "name", type(tokenizer).__name__)
        self.tokenize, self.split = tokenizer.tokenize, tokenizer.split
        self.detokenize = tokenizer.join
