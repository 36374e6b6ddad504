"""Translation of strings, given a way to decode batches of ids.

Neither Keras nor TensorFlow is imported here, so that exported models can be used without them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, overload

import numpy as np

from keras_seq2seq.beam_tree import BeamTree
from keras_seq2seq.errors import UserError
from keras_seq2seq.special_tokens import EXTRA_LENGTH
from keras_seq2seq.text import TextEncoder
from keras_seq2seq.translator.length_batches import check_batch_size, map_by_length
from keras_seq2seq.translator.translation import (
    Hypothesis,
    HypothesisReader,
    Translation,
    iterate_strings,
)
from keras_seq2seq.translator.unk_replacement import UnkReplacement

if TYPE_CHECKING:
    from keras_seq2seq.decoding import Hypotheses

# The fastest for short sentences on a CPU; larger batches are not faster.
BATCH_SIZE = 64

# Longer lines are rejected, since a single line could use up all memory.
MAX_SOURCE_TOKENS = 10_000


class TooLongError(UserError):
    """A sentence or a prefix has too many tokens.

    Args:
        name: What is too long, such as `"sentence"`.
        number: Its number, counted from 1.
        problem: The rest of the message.
    """

    def __init__(self, name: str, number: int, problem: str):
        super().__init__(f"{name} {number} {problem}")
        self.name, self.number, self.problem = name, number, problem

    def __reduce__(self):
        # Exceptions are pickled with their message as the only argument.
        return type(self), (self.name, self.number, self.problem)


def check_length(name: str, number: int, tokens: Sequence[str]):
    """Raises `TooLongError` if a text has more than `MAX_SOURCE_TOKENS` tokens.

    Args:
        name: What it is, such as `"sentence"`.
        number: Its number, counted from 1.
        tokens: Its tokens.
    """
    if len(tokens) > MAX_SOURCE_TOKENS:
        raise TooLongError(
            name,
            number,
            f"has {len(tokens):,} tokens; expected at most {MAX_SOURCE_TOKENS:,}; split the text "
            "into sentences",
        )


class TextTranslator:
    """Base class of the translators: splits sentences into batches, and reads the results.

    A subclass decodes batches of ids, in `_decode_batch`.

    Args:
        source: The `TextEncoder` of the sources.
        target: The `TextEncoder` of the targets.
        max_length: Maximum number of tokens of a translation, the end token included.
        max_length_ratio: A translation may have this many tokens per source token, plus
            `EXTRA_LENGTH`, within `max_length`; `None` for no such limit.
        has_attention: Whether the model has attention.
        unk_replacement: Replaces `<unk>` in translations, if not `None`.
    """

    # Number of batches that are decoded together.
    _batches_read_together = 1
    # Number of rows of a batch that each sentence takes.
    _rows_per_sentence = 1
    # Number of threads that decode batches.
    _workers = 1

    def __init__(
        self,
        source: TextEncoder,
        target: TextEncoder,
        *,
        max_length: int,
        max_length_ratio: float | None = None,
        has_attention: bool,
        unk_replacement: UnkReplacement | None = None,
    ):
        self.source, self.target = source, target
        self.has_attention = has_attention
        self.unk_replacement = unk_replacement
        self._max_length = max_length
        self._max_length_ratio = max_length_ratio
        self._reader = HypothesisReader(source, target, unk_replacement)

    @overload
    def __call__(self, sentences: str, batch_size: int = ...) -> str: ...

    @overload
    def __call__(self, sentences: Iterable[str], batch_size: int = ...) -> list[str]: ...

    def __call__(
        self, sentences: str | Iterable[str], batch_size: int = BATCH_SIZE
    ) -> str | list[str]:
        """Translates sentences.

        Args:
            sentences: The sentences, or a single one; an empty one has an empty translation.
            batch_size: Maximum number of sentences decoded at once.

        Returns:
            The translations in the order of the sentences, or the translation of a single one.

        Raises:
            TypeError: If a sentence is not a string.
            UserError: If a sentence has more than `MAX_SOURCE_TOKENS` tokens.
        """
        if isinstance(sentences, str):
            return self([sentences], batch_size)[0]
        return [
            translation.text
            for translation in self.stream(
                sentences, batch_size, with_scores=False, with_attention=False
            )
        ]

    @overload
    def translate(
        self, sentences: str, batch_size: int = ..., *, prefixes: str | Iterable[str] | None = ...
    ) -> Translation: ...

    @overload
    def translate(
        self,
        sentences: Iterable[str],
        batch_size: int = ...,
        *,
        prefixes: Iterable[str] | None = ...,
    ) -> list[Translation]: ...

    def translate(
        self,
        sentences: str | Iterable[str],
        batch_size: int = BATCH_SIZE,
        *,
        prefixes: str | Iterable[str] | None = None,
    ) -> Translation | list[Translation]:
        """Translates sentences, and returns all hypotheses with scores, tokens and attention.

        Args:
            sentences: The sentences, or a single one; an empty one has an empty translation.
            batch_size: As in `__call__`.
            prefixes: The text that the translations of each sentence must begin with; `""` for
                none. A string if there is a single sentence. Words that are not in the vocabulary
                are read as `<unk>` and copied to the translation.

        Returns:
            The translations in the order of the sentences, or the translation of a single one.

        Raises:
            TypeError: If a sentence or a prefix is not a string.
            UserError: If the numbers of prefixes and sentences differ, a prefix is too long, or a
                sentence has more than `MAX_SOURCE_TOKENS` tokens.
        """
        if isinstance(sentences, str):
            prefixes = [prefixes] if isinstance(prefixes, str) else prefixes
            return self.translate([sentences], batch_size, prefixes=prefixes)[0]
        return list(self.stream(sentences, batch_size, prefixes=prefixes))

    def stream(
        self,
        sentences: Iterable[str],
        batch_size: int = BATCH_SIZE,
        *,
        prefixes: Iterable[str] | None = None,
        with_scores: bool = True,
        with_attention: bool = True,
        read_ahead: bool = True,
    ) -> Iterator[Translation]:
        """Translates a stream of sentences in constant memory, keeping their order.

        Args:
            sentences: An iterable of sentences.
            batch_size: As in `translate`.
            prefixes: As in `translate`.
            with_scores: Whether to return scores, which make greedy search slower.
            with_attention: Whether to return attention weights, if the model has attention.
            read_ahead: Whether to read many sentences ahead and to sort them by length. If not,
                each sentence is translated before the next one is read.

        Yields:
            The translations.

        Raises:
            TypeError: If a sentence or a prefix is not a string, or a single string is given.
            ValueError: If `batch_size` is not an integer of at least 1.
        """
        check_batch_size(batch_size)
        sentences = iterate_strings(sentences, "sentences")
        if prefixes is not None:
            prefixes = iterate_strings(prefixes, "prefixes")

        with_attention = self.has_attention and (with_attention or self.unk_replacement is not None)

        def translate_batch(items):
            return self._translate_batch(items, batch_size, with_scores, with_attention)

        def empty_translation(item):
            attention = np.zeros((0, 0), "float32") if with_attention else None
            scores = (0.0, []) if with_scores else (None, None)
            return Translation([], [Hypothesis("", [], *scores, attention)])

        return map_by_length(
            translate_batch,
            self._split(sentences, prefixes),
            lengths=lambda item: (len(item[0]),),
            empty=empty_translation,
            batch_size=max(1, batch_size * self._batches_read_together // self._rows_per_sentence),
            sort=read_ahead,
            workers=self._workers,
        )

    def warm_up(self, *, with_scores: bool = True, with_attention: bool = True):
        """Translates one sentence, so that the next ones need no preparations.

        Random draws of later translations are not affected.

        Args:
            with_scores, with_attention: As in `stream`.
        """
        list(self.stream(["."], with_scores=with_scores, with_attention=with_attention))

    def _split(self, sentences, prefixes) -> Iterator[tuple[list[str], list[str]]]:
        """Yields the tokens of each sentence and its prefix."""
        prefixes = repeat("") if prefixes is None else iter(prefixes)
        number = 0
        for number, sentence in enumerate(sentences, 1):
            prefix = next(prefixes, None)
            if prefix is None:
                raise UserError(f"only {number - 1} prefixes; expected one for each sentence")
            source = self.source.split(sentence)
            check_length("sentence", number, source)
            tokens = self.target.split(prefix, keep_unknown=True)
            limit = self._limit(source)
            if source and len(tokens) >= limit:
                option = "max_length" if limit == self._max_length else "max_length_ratio"
                raise TooLongError(
                    "prefix",
                    number,
                    f"has {len(tokens)} tokens; expected at most {limit - 1}, since translations "
                    f"of this sentence have at most {limit} tokens including the end token; "
                    f"increase {option}",
                )
            yield source, tokens
        if not isinstance(prefixes, repeat) and next(prefixes, None) is not None:
            raise UserError(f"more than {number} prefixes; expected one for each sentence")

    def _translate_batch(
        self, items, batch_size, with_scores, with_attention
    ) -> Iterator[Translation]:
        sources, prefixes = zip(*items, strict=True)
        found = self._decode_batch(
            self.source.with_end(sources),
            self.target.padded(prefixes),
            batch_size=min(batch_size, len(sources) * self._rows_per_sentence),
            with_scores=with_scores,
            with_attention=with_attention,
        )
        for row, (source, prefix) in enumerate(items):
            yield Translation(
                source,
                list(self._reader.read(found, row, source, prefix, self._limit(source))),
                found.tree and BeamTree(*(part[row] for part in found.tree)),
            )

    def _limit(self, source: Sequence[str]) -> int:
        """Returns the maximum number of tokens of a translation, as `Constraints.limits` does."""
        if not self._max_length_ratio:
            return self._max_length
        relative = np.ceil(np.float32(self._max_length_ratio) * np.float32(len(source)))
        return min(self._max_length, int(relative) + EXTRA_LENGTH)

    def _decode_batch(
        self,
        source_ids: np.ndarray,
        prefix: np.ndarray,
        *,
        batch_size: int,
        with_scores: bool,
        with_attention: bool,
    ) -> "Hypotheses":
        """Decodes a batch of ids.

        Args:
            source_ids: Integers `(batch, source_length)` that end with the end token, padded.
            prefix: Integers `(batch, prefix_length)`, padded, what translations must begin with.
            batch_size: Number of rows to decode at once.
            with_scores: Whether to return scores.
            with_attention: Whether to return attention weights.

        Returns:
            `Hypotheses` of NumPy arrays.
        """
        raise NotImplementedError
