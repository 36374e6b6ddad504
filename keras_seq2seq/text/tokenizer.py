"""Base class and registry of the tokenizers."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import read_small_file
from keras_seq2seq.files.text_lines import check_lines
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.special_tokens import SPECIAL_TOKENS
from keras_seq2seq.text.vocabulary import WHITESPACE_CHARACTERS, Vocabulary

TOKENIZERS: dict[str, type["Tokenizer"]] = {}


def register_tokenizer(tokenizer_class: type["Tokenizer"]) -> type["Tokenizer"]:
    """Class decorator that adds a tokenizer to the registry, under its `name`.

    Only registered tokenizers can be chosen by name and loaded from a model directory.

    Args:
        tokenizer_class: The subclass of `Tokenizer`.

    Returns:
        The class itself.

    Example:
        >>> @register_tokenizer
        ... class LowercaseTokenizer(WhitespaceTokenizer):
        ...     name = "lowercase"
        ...
        ...     def split(self, line):
        ...         return super().split(line.lower())
        ...
        ...     def tokenize(self, lines):
        ...         return super().tokenize(tf.strings.lower(lines, encoding="utf-8"))
    """
    TOKENIZERS[tokenizer_class.name] = tokenizer_class
    return tokenizer_class


class Tokenizer:
    """Base class of the tokenizers.

    A tokenizer splits text into tokens and maps tokens to ids. It has two implementations of
    splitting that return the same tokens: `tokenize` for TensorFlow graphs and `split` in plain
    Python. Likewise, `detokenize_tensor` and `detokenize` join tokens; the former is only needed to
    export a SavedModel.

    A subclass sets `name` and implements `tokenize`, `split` and `detokenize`. Its constructor
    takes `vocabulary` as its first argument. If there are other arguments, they must be JSON
    values, and `get_config` must return them. A tokenizer that needs files besides its vocabulary
    also overrides `save_assets` and `load_assets`; one whose vocabulary is in a file of another
    format overrides `vocabulary_suffix`, `load_vocabulary` and `save_vocabulary`. Decorate the
    class with `register_tokenizer` to make it available by name.

    Args:
        vocabulary: The `Vocabulary` that defines the ids. A tokenizer without one can split text
            and join tokens, but not convert tokens to ids.

    Attributes:
        name: Class attribute, the name in the registry, such as `"whitespace"`.
        vocabulary_suffix: Class attribute, the suffix of the file that contains the vocabulary, or
            `None` if the vocabulary is fixed and needs no file.
        hyperparameters: Class attribute, the arguments of the constructor that the hyperparameters
            `source.*` and `target.*` set.
        keeps_white_space: Class attribute, whether whitespace at the ends of a line would become
            tokens. If so, it is removed before a line is split.
        can_sample: Class attribute, whether `sample` is implemented.
        vocabulary: The `Vocabulary`, or `None`.
    """

    name: str
    vocabulary_suffix: str | None = ".vocab"
    hyperparameters: tuple[str, ...] = ()
    keeps_white_space = False
    can_sample = False

    def __init__(self, vocabulary: Vocabulary | None = None):
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            raise TypeError(f"`vocabulary` must be a Vocabulary. Received: {vocabulary!r}")
        self.vocabulary = vocabulary
        self._constants: dict[Any, Any] = {}

    @classmethod
    def build(
        cls,
        lines: Iterable[str],
        size: int | None = None,
        min_frequency: int = 1,
        **config: Any,
    ) -> "Tokenizer":
        """Creates a tokenizer whose vocabulary contains the most frequent tokens of a text.

        Args:
            lines: Iterable of lines of text: a list, an open file, a column of a DataFrame and so
                on. Bytes are decoded as UTF-8.
            size: Maximum number of tokens to keep, not counting the special tokens. Defaults to
                no limit.
            min_frequency: Minimum number of occurrences of a token to be kept.
            **config: Other arguments of the constructor.

        Returns:
            The tokenizer.

        Raises:
            UserError: If no token is left, or if `size` or `min_frequency` is less than 1.
            TypeError: If `lines` is a single string or a table, or if one of its items is not a
                string. The message contains its index.
        """
        tokens = map(cls(**config).split_line, check_lines(lines, "lines"))
        return cls(Vocabulary.build(tokens, size, min_frequency), **config)

    @classmethod
    def from_file(cls, path: str | os.PathLike, **config: Any) -> "Tokenizer":
        """Creates a tokenizer from the file given as `--vocab_source` or `--vocab_target`.

        Args:
            path: A vocabulary file, or what a subclass reads instead.
            **config: Other arguments of the constructor.

        Returns:
            The tokenizer.

        Raises:
            UserError: If the file cannot be read or is invalid.
        """
        return cls.load_vocabulary(path, **config)

    @classmethod
    def load_vocabulary(cls, path: str | os.PathLike, **config: Any) -> "Tokenizer":
        """Creates a tokenizer from the file that `save_vocabulary` wrote.

        Args:
            path: The file.
            **config: Other arguments of the constructor.
        """
        return cls(Vocabulary.load(path), **config)

    def save_vocabulary(self, path: str | os.PathLike):
        """Writes the vocabulary to a file, atomically."""
        self.vocabulary.save(path)

    def tokenize(self, lines):
        """Splits lines into tokens. Works in eager mode and inside a graph.

        Args:
            lines: String tensor of shape `(lines,)`, encoded as UTF-8.

        Returns:
            `tf.RaggedTensor` of strings of shape `(lines, None)`.
        """
        raise NotImplementedError

    def split(self, line: str) -> list[str]:
        """Splits one line into the same tokens as `tokenize`, in plain Python."""
        raise NotImplementedError

    def split_line(self, line: str) -> list[str]:
        """Splits a line without the whitespace at its ends, as `TextEncoder` does."""
        return self.split(line.strip(WHITESPACE_CHARACTERS) if self.keeps_white_space else line)

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins tokens into one line of text."""
        raise NotImplementedError

    def detokenize_tensor(self, tokens):
        """Joins tokens into the same lines as `detokenize`, inside a TensorFlow graph.

        Args:
            tokens: `tf.RaggedTensor` of strings of shape `(lines, None)`.

        Returns:
            String tensor of shape `(lines,)`.
        """
        raise NotImplementedError

    def to_raw(self, line: str) -> str:
        """Converts a line of training text to raw text, as compared by metrics.

        By default, training text is raw text.
        """
        return line

    def join(self, tokens: Iterable[str]) -> str:
        """Deprecated name of `detokenize`."""
        warnings.warn("join is deprecated; use detokenize", DeprecationWarning, stacklevel=2)
        return self.detokenize(tokens)

    def __call__(self, lines):
        """Converts lines to ids. Works in eager mode and inside a graph.

        Args:
            lines: String tensor of shape `(lines,)`, encoded as UTF-8.

        Returns:
            `tf.RaggedTensor` of int32 of shape `(lines, None)`. Tokens that are not in the
            vocabulary have the id of `<unk>`.
        """
        return self._lookup_table().lookup(self.tokenize(lines))

    def sample(self, lines, random_numbers, alpha: float, nbest_size: int):
        """Converts lines to ids with a random choice among segmentations.

        Args:
            lines: String tensor of shape `(lines,)`, encoded as UTF-8.
            random_numbers: Float32 tensor of shape `(lines,)` from a uniform distribution over
                [0, 1), which determine the choice.
            alpha: Exponent of the probabilities of the segmentations.
            nbest_size: Number of segmentations to choose from.

        Returns:
            `tf.RaggedTensor` of int32 of shape `(lines, None)`.
        """
        raise NotImplementedError

    def can_be_unknown(self) -> bool:
        """Returns whether there is text whose tokens are not in the vocabulary."""
        return True

    def fingerprint(self) -> str:
        """Returns a SHA-256 hash of the mapping from tokens to ids."""
        return hashlib.sha256("\n".join(self.vocabulary.tokens).encode()).hexdigest()

    def vocabulary_size(self) -> int:
        """Returns the number of ids, including the four special tokens."""
        return len(self.vocabulary)

    def token_to_id(self, token: str) -> int:
        """Returns the id of a token, or that of `<unk>` if it is not in the vocabulary.

        This is the inverse of `id_to_token`, including special tokens. In text, a special token has
        no meaning: `__call__` converts it to `<unk>`.
        """
        if token in SPECIAL_TOKENS:
            return SPECIAL_TOKENS.index(token)
        return self.vocabulary.to_ids([token])[0]

    def id_to_token(self, id: int) -> str:
        """Returns the token of an id.

        Raises:
            IndexError: If the id is negative or not below `vocabulary_size()`.
        """
        return self.vocabulary.to_tokens([id])[0]

    def get_vocabulary(self) -> list[str]:
        """Returns all tokens in the order of their ids, including the four special tokens."""
        return self.vocabulary.to_tokens(range(len(self.vocabulary)))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor as JSON values, except the vocabulary."""
        return {}

    def save(self, prefix: str | os.PathLike):
        """Writes the tokenizer to files that start with a prefix.

        The files are `PREFIX.vocab` or another file that `save_vocabulary` writes,
        `PREFIX.tokenizer.json` (name, configuration and hash of the vocabulary) and those of
        `save_assets`.

        Args:
            prefix: Path of the files without their suffixes, such as `model/source`.
        """
        if self.vocabulary_suffix is not None:
            self.save_vocabulary(f"{prefix}{self.vocabulary_suffix}")
        self.save_assets(prefix)
        with atomic_file(tokenizer_config_path(prefix)) as file:
            description = {"kind": self.name, "config": self.get_config()}
            if self.vocabulary_suffix is not None:
                description["vocabulary_sha256"] = self.fingerprint()
            file.write(json.dumps(description, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, prefix: str | os.PathLike, default_name: str | None = None) -> "Tokenizer":
        """Loads the tokenizer that `save` wrote.

        Args:
            prefix: Path of the files without their suffixes.
            default_name: Name of the tokenizer to use if there is no `PREFIX.tokenizer.json`, as
                in model directories of version 0.1. By default, the file is required.

        Returns:
            The tokenizer, an instance of the class that was saved.

        Raises:
            UserError: If a file is missing or damaged, if the vocabulary is that of another
                tokenizer, or if the class of the tokenizer is not registered.
        """
        path = tokenizer_config_path(prefix)
        is_missing = default_name is not None and not os.path.lexists(path)
        description = {"kind": default_name, "config": {}} if is_missing else _read_config(path)
        name, config = description["kind"], description["config"]
        if name not in TOKENIZERS:
            raise UserError(
                f"{path}: unknown tokenizer {name!r}; import the module that defines it before "
                "loading, and decorate its class with register_tokenizer"
            )
        tokenizer_class = TOKENIZERS[name]
        if not issubclass(tokenizer_class, cls):
            raise UserError(f"{path}: contains a {tokenizer_class.__name__}, not a {cls.__name__}")
        try:
            if tokenizer_class.vocabulary_suffix is None:
                tokenizer = tokenizer_class(**config)
            else:
                vocabulary_path = f"{prefix}{tokenizer_class.vocabulary_suffix}"
                tokenizer = tokenizer_class.load_vocabulary(vocabulary_path, **config)
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: invalid configuration of {name!r} ({error})") from error
        tokenizer.load_assets(prefix)
        expected = description.get("vocabulary_sha256")
        if expected is not None and tokenizer.fingerprint() != expected:
            raise UserError(
                f"{prefix}{tokenizer_class.vocabulary_suffix or ''}: not the vocabulary that was "
                f"saved with {path.name}; restore the file"
            )
        return tokenizer

    def save_assets(self, prefix: str | os.PathLike):
        """Writes further files that the tokenizer needs, whose names start with the prefix."""

    def load_assets(self, prefix: str | os.PathLike):
        """Reads the files that `save_assets` wrote."""

    def _lookup_table(self):
        return self._constant("table", self.vocabulary.lookup_table)

    def _constant(self, key: Any, make: Callable[[], Any]):
        """Returns what `make` creates, which it does only once.

        It does so outside of the graph that is being built, so that other graphs can use it too.
        """
        if key not in self._constants:
            import tensorflow as tf

            with tf.init_scope():
                self._constants[key] = make()
        return self._constants[key]

    def __getstate__(self) -> dict[str, Any]:
        # Tables of TensorFlow cannot be pickled or copied.
        return {**vars(self), "_constants": {}}

    def __eq__(self, other) -> bool:
        """Whether both convert every text to the same ids."""
        if not isinstance(other, Tokenizer):
            return NotImplemented
        return _identity(self) == _identity(other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vocabulary!r})"


def _identity(tokenizer: Tokenizer) -> tuple:
    fingerprint = None if tokenizer.vocabulary is None else tokenizer.fingerprint()
    return tokenizer.name, tokenizer.get_config(), fingerprint


def get_tokenizer_class(name: str) -> type[Tokenizer]:
    """Returns the class of a registered tokenizer.

    Args:
        name: The name, such as `"characters"`.

    Returns:
        The subclass of `Tokenizer`.

    Raises:
        UserError: If there is no tokenizer of that name.

    Example:
        >>> get_tokenizer_class("characters")
        <class 'keras_seq2seq.text.tokenizers.CharacterTokenizer'>
    """
    if name not in TOKENIZERS:
        near = get_close_matches(name.lower(), TOKENIZERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(TOKENIZERS)}"
        raise UserError(f"unknown tokenizer {name!r}; {hint}")
    return TOKENIZERS[name]


def tokenizer_config_path(prefix: str | os.PathLike) -> Path:
    """Returns the path of the file with name and configuration of a tokenizer."""
    return Path(f"{os.fspath(prefix)}.tokenizer.json")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(read_small_file(path).decode("utf-8"))
        if not isinstance(description["kind"], str):
            raise TypeError("the kind is not a string")
        return {**description, "config": dict(description["config"])}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: damaged file ({reason}); expected a saved tokenizer") from error
