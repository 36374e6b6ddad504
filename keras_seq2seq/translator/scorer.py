"""Scoring of given translations with a trained model."""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, overload

from keras import ops

from keras_seq2seq import backend
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import END_ID, SPECIAL_TOKENS
from keras_seq2seq.tensorflow_settings import count_cores
from keras_seq2seq.text import TextEncoder, Tokenizer, Vocabulary
from keras_seq2seq.text.deprecated import TEXT_KEYWORDS, accept_deprecated_keywords
from keras_seq2seq.text.text_encoder import as_text_encoders
from keras_seq2seq.translator.length_batches import check_batch_size, map_by_length
from keras_seq2seq.translator.text_translator import check_length
from keras_seq2seq.translator.translation import iterate_strings

_END = SPECIAL_TOKENS[END_ID]


@dataclass(frozen=True)
class Score:
    """The score of a target, given its source.

    Attributes:
        log_probability: The log-probability of the target, including the end token, in nats.
        token_log_probabilities: The log-probabilities of its tokens, whose sum is
            `log_probability`.
        tokens: The tokens of the target, followed by `</s>`.
        is_complete: Whether both sides have text. An empty target of a non-empty source is scored
            like any other. An empty target of an empty source has no tokens and a log-probability
            of 0, since `Translator` always translates an empty source to an empty target.
    """

    log_probability: float
    token_log_probabilities: list[float]
    tokens: list[str]
    is_complete: bool


@dataclass(frozen=True)
class CorpusScore:
    """The score of a corpus.

    Pairs with an empty side are skipped, as in training, so the perplexity equals that of
    `model.evaluate`.

    Attributes:
        lines: Number of pairs with text on both sides.
        tokens: Number of their target tokens, including the end tokens.
        log_probability: The sum of their log-probabilities, in nats.
    """

    lines: int
    tokens: int
    log_probability: float

    @classmethod
    def of(cls, scores: Iterable[Score]) -> "CorpusScore":
        """Sums up the scores of pairs."""
        lines = tokens = 0
        log_probability = 0.0
        for score in scores:
            if score.is_complete:
                lines += 1
                tokens += len(score.tokens)
                log_probability += score.log_probability
        return cls(lines, tokens, log_probability)

    @property
    def perplexity(self) -> float:
        """The exponential of the mean cross-entropy per token; NaN if there are no tokens."""
        if not self.tokens:
            return math.nan
        try:
            return math.exp(-self.log_probability / self.tokens)
        except OverflowError:
            return math.inf


class Scorer:
    """Scores translations with a trained model.

    Nothing is truncated: lines longer than those in training are scored as a whole, up to 10,000
    tokens. `<unk>` in a target is the unknown token, as written by the translator.

    Args:
        model: The trained model.
        source: How to encode the sources: a `TextEncoder`, a `Tokenizer` with a vocabulary, or a
            `Vocabulary`, whose tokens are separated by whitespace.
        target: The same for the targets.

    Example:
        >>> scorer = Scorer.load("model/dir")
        >>> scorer(["ein mann schläft ."], ["a man sleeps ."])[0].log_probability
        -1.25
    """

    @accept_deprecated_keywords(*TEXT_KEYWORDS)
    def __init__(
        self,
        model: Seq2Seq,
        source: TextEncoder | Tokenizer | Vocabulary,
        target: TextEncoder | Tokenizer | Vocabulary,
    ):
        self.model = model
        self.source, self.target = as_text_encoders(source, target)
        check_vocabulary_sizes(model, self.source, self.target)
        self._compile()

    def _compile(self):
        """Creates the function that is traced when it is first called."""
        self._token_log_probabilities = backend.compile_function(
            self._score_ids, ranks={"source_ids": 2, "target_ids": 2, "labels": 2}
        )

    def __getstate__(self) -> dict[str, Any]:
        # Graphs of TensorFlow cannot be pickled or copied.
        return {**vars(self), "_token_log_probabilities": None}

    def __setstate__(self, state: dict[str, Any]):
        vars(self).update(state)
        self._compile()

    @classmethod
    def load(cls, model_dir: str | os.PathLike) -> "Scorer":
        """Loads a model directory written by `keras-seq2seq train`.

        Args:
            model_dir: The model directory.

        Returns:
            The scorer.

        Raises:
            UserError: If the directory contains no model, or a damaged one.
        """
        from keras_seq2seq.model_directory import ModelDirectory

        directory = ModelDirectory(model_dir)
        source, target = directory.load_text_encoders()
        model = directory.load_model()
        directory.check_vocabularies(model, source.tokenizer, target.tokenizer)
        return cls(model, source, target)

    @classmethod
    def from_translator(cls, translator) -> "Scorer":
        """Creates a scorer with the model and the text encoders of a `Translator`."""
        return cls(translator.model, translator.source, translator.target)

    @overload
    def __call__(self, sources: str, targets: str, batch_size: int = ...) -> Score: ...

    @overload
    def __call__(
        self, sources: Iterable[str], targets: Iterable[str], batch_size: int = ...
    ) -> list[Score]: ...

    def __call__(
        self,
        sources: str | Iterable[str],
        targets: str | Iterable[str],
        batch_size: int = 32,
    ) -> Score | list[Score]:
        """Scores pairs of lines.

        Args:
            sources: The sources, or a single one.
            targets: Their translations, or a single one.
            batch_size: Maximum number of pairs scored at once.

        Returns:
            The scores in the order of the pairs, or the score of a single pair.

        Raises:
            TypeError: If a line is not a string.
            UserError: If the numbers of sources and targets differ, or a line has more than 10,000
                tokens.
        """
        if isinstance(sources, str) and isinstance(targets, str):
            return self([sources], [targets], batch_size)[0]
        sources = list(iterate_strings(sources, "sources"))
        targets = list(iterate_strings(targets, "targets"))
        if len(sources) != len(targets):
            raise UserError(
                f"{len(sources)} sources, but {len(targets)} targets; expected one for each source"
            )
        return list(self.stream(zip(sources, targets, strict=True), batch_size))

    def stream(self, pairs: Iterable[tuple[str, str]], batch_size: int = 32) -> Iterator[Score]:
        """Scores a stream of `(source, target)` pairs in constant memory, keeping their order."""
        check_batch_size(batch_size)
        return map_by_length(
            self._score_batch,
            self._split(pairs),
            lengths=lambda pair: (len(pair[1]), len(pair[0])),
            empty=lambda pair: Score(0.0, [], [], is_complete=False),
            batch_size=batch_size,
            workers=count_cores(),
        )

    def _split(self, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[list[str], list[str]]]:
        for number, (source, target) in enumerate(pairs, 1):
            source, target = self.source.split(source), self.target.split(target, keep_unknown=True)
            check_length("source", number, source)
            check_length("target", number, target)
            yield source, target

    def _score_batch(self, pairs) -> Iterator[Score]:
        sources, targets = zip(*pairs, strict=True)
        log_probabilities = self._token_log_probabilities(
            self.source.with_end(sources),
            self.target.with_start(targets),
            self.target.with_end(targets),
        )
        log_probabilities = ops.convert_to_numpy(log_probabilities)
        for source, target, row in zip(sources, targets, log_probabilities, strict=True):
            row = row[: len(target) + 1].tolist()
            yield Score(math.fsum(row), row, [*target, _END], bool(source and target))

    def _score_ids(self, source_ids, target_ids, labels):
        """Returns the log-probabilities of the labels `(batch, target_length)`."""
        inputs = {"source_ids": source_ids, "target_ids": target_ids}
        logits = ops.cast(self.model(inputs, training=False), "float32")
        # (batch, length, vocabulary_size) -> (batch * length, vocabulary_size)
        rows = ops.reshape(logits, (-1, ops.shape(logits)[-1]))
        # Avoids the whole log-softmax, which is as large as the logits.
        picked = backend.take_beams(rows, ops.reshape(labels, (-1, 1)))
        return ops.reshape(picked, ops.shape(labels)) - ops.logsumexp(logits, axis=-1)


def check_vocabulary_sizes(model: Seq2Seq, source: TextEncoder, target: TextEncoder):
    """Checks that tokenizers have as many tokens as the model was made for.

    Args:
        model: The model. Models without the attributes `source_vocabulary_size` and
            `target_vocabulary_size` are not checked.
        source: The text encoder of the sources.
        target: The text encoder of the targets.

    Raises:
        ValueError: If a size differs.
    """
    for side, found, size in differing_sizes(model, source.tokenizer, target.tokenizer):
        raise ValueError(
            f"the {side} tokenizer has {found:,} tokens, but the model has {size:,}; use the "
            "tokenizers that the model was trained with"
        )


def differing_sizes(
    model: Seq2Seq, source: Tokenizer, target: Tokenizer
) -> Iterator[tuple[str, int, int]]:
    """Yields each side whose tokenizer has another size than the model, with both sizes."""
    for side, tokenizer in (("source", source), ("target", target)):
        size, found = getattr(model, f"{side}_vocabulary_size", None), tokenizer.vocabulary_size()
        if size not in (None, found):
            yield side, found, size
