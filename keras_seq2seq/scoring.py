"""How likely a model finds given translations."""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import tensorflow as tf

from keras_seq2seq.data import Vocabulary, get_tokenizer
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, SPECIAL_TOKENS, START_ID, UNKNOWN_ID

_END, _UNKNOWN = SPECIAL_TOKENS[END_ID], SPECIAL_TOKENS[UNKNOWN_ID]

# Pairs are sorted by length within so many batches, and no further, so that a stream of any
# length is scored in constant memory.
_BATCHES_SORTED_TOGETHER = 64

# A batch of long pairs holds fewer of them: at most this many tokens of the longer side for each
# pair of a full batch, padding included.
_TOKENS_PER_PAIR = 64

# No text holds this character, which Unicode sets aside for use inside of programs.
_PLACEHOLDER = "\ufdd0"


@dataclass(frozen=True)
class Score:
    """How likely a model finds a target, given its source.

    Attributes:
        log_probability: The log-probability of the target, its end included, in nats.
        token_log_probabilities: Those of its tokens, one after the other; they add up to
            `log_probability`.
        tokens: The tokens of the target, with `</s>` at the end.
        is_complete: Whether both sides have text. An empty target after a source with text is
            scored as one that ends at once. An empty target of an empty source is certain, as it
            is to `Translator`: it has no tokens, and a log-probability of 0.
    """

    log_probability: float
    token_log_probabilities: list[float]
    tokens: list[str]
    is_complete: bool


@dataclass(frozen=True)
class CorpusScore:
    """How likely a model finds the targets of many pairs.

    Pairs with an empty side are left out, as training leaves them out, so that the perplexity is
    that of `model.evaluate`.

    Attributes:
        lines: Number of pairs with text on both sides.
        tokens: Number of their target tokens, the ends included.
        log_probability: The sum of their log-probabilities, in nats.
    """

    lines: int
    tokens: int
    log_probability: float

    @classmethod
    def of(cls, scores: Iterable[Score]) -> "CorpusScore":
        """Adds up scores."""
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
        """The exponential of the mean cross-entropy, every token counting alike; NaN of none."""
        if not self.tokens:
            return math.nan
        try:
            return math.exp(-self.log_probability / self.tokens)
        except OverflowError:
            return math.inf


class Scorer:
    """Scores translations with a model that is loaded once.

    Nothing is cut: lines longer than those that the model was trained on are scored whole. A
    `<unk>` in a target is the unknown word that the translator wrote.

    Args:
        model: The trained model.
        source_vocabulary: Vocabulary of the sources.
        target_vocabulary: Vocabulary of the targets.
        source_tokenizer: Name or object, see `get_tokenizer`.
        target_tokenizer: Likewise.
        reverse_source: Whether the model was trained on reversed sources.

    Example:
        >>> scorer = Scorer.load("model/dir")
        >>> scorer(["ein mann schläft ."], ["a man sleeps ."])[0].log_probability
        -1.25
    """

    def __init__(
        self,
        model: Seq2Seq,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        *,
        source_tokenizer="whitespace",
        target_tokenizer="whitespace",
        reverse_source: bool = False,
    ):
        self.model = model
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.source_tokenizer = get_tokenizer(source_tokenizer)
        self.target_tokenizer = get_tokenizer(target_tokenizer)
        self.reverse_source = reverse_source
        names = ("source_ids", "target_ids", "labels")
        signature = [tf.TensorSpec([None, None], tf.int32, name=name) for name in names]
        self._token_log_probabilities = tf.function(self._force, input_signature=signature)

    @classmethod
    def load(cls, model_dir: str | os.PathLike) -> "Scorer":
        """Loads what `keras-seq2seq train` wrote.

        Args:
            model_dir: The model directory.

        Returns:
            The scorer.

        Raises:
            UserError: If there is no model, or it is damaged.
        """
        directory = ModelDirectory(model_dir)
        hparams = directory.load_config().hparams
        source_vocabulary, target_vocabulary = directory.load_vocabularies()
        return cls(
            directory.load_model(),
            source_vocabulary,
            target_vocabulary,
            source_tokenizer=hparams.source.tokenizer,
            target_tokenizer=hparams.target.tokenizer,
            reverse_source=hparams.source.reverse,
        )

    @classmethod
    def from_translator(cls, translator) -> "Scorer":
        """Makes the scorer of a `Translator`, with the same model."""
        return cls(
            translator.model,
            translator.source_vocabulary,
            translator.target_vocabulary,
            source_tokenizer=translator.source_tokenizer,
            target_tokenizer=translator.target_tokenizer,
            reverse_source=translator.reverse_source,
        )

    def __call__(
        self, sources: Iterable[str], targets: Iterable[str], batch_size: int = 32
    ) -> list[Score]:
        """Scores pairs of lines.

        Args:
            sources: The sources.
            targets: Their translations.
            batch_size: The most pairs that are scored at once.

        Returns:
            The scores in the order of the pairs.

        Raises:
            UserError: If there are not as many targets as sources.
        """
        sources, targets = list(sources), list(targets)
        if len(sources) != len(targets):
            raise UserError(
                f"{len(sources)} sources, but {len(targets)} targets; expected one for each"
            )
        return list(self.stream(zip(sources, targets, strict=True), batch_size))

    def stream(self, pairs: Iterable[tuple[str, str]], batch_size: int = 32) -> Iterator[Score]:
        """Scores `(source, target)` pairs as they come, in constant memory and in their order."""
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
        pairs = iter(pairs)
        while window := list(islice(pairs, batch_size * _BATCHES_SORTED_TOGETHER)):
            tokens = [
                (self.source_tokenizer.split(source), self._split_target(target))
                for source, target in window
            ]
            scores = [Score(0.0, [], [], is_complete=False)] * len(window)
            for batch in _batches_by_length(tokens, batch_size):
                scored = self._score_batch([tokens[index] for index in batch])
                for index, score in zip(batch, scored, strict=True):
                    scores[index] = score
            yield from scores

    def _split_target(self, line: str) -> list[str]:
        # A tokenizer of characters would take the mark of an unknown one apart.
        tokens = self.target_tokenizer.split(line.replace(_UNKNOWN, _PLACEHOLDER))
        return [token.replace(_PLACEHOLDER, _UNKNOWN) for token in tokens]

    def _score_batch(self, pairs) -> Iterator[Score]:
        sources, targets = zip(*pairs, strict=True)
        source_ids = [self.source_vocabulary.to_ids(tokens) for tokens in sources]
        if self.reverse_source:
            source_ids = [ids[::-1] for ids in source_ids]
        target_ids = [self.target_vocabulary.to_ids(tokens) for tokens in targets]
        log_probabilities = self._token_log_probabilities(
            _pad([*ids, END_ID] for ids in source_ids),
            _pad([START_ID, *ids] for ids in target_ids),
            _pad([*ids, END_ID] for ids in target_ids),
        ).numpy()
        for source, target, row in zip(sources, targets, log_probabilities, strict=True):
            row = row[: len(target) + 1].tolist()
            yield Score(math.fsum(row), row, [*target, _END], bool(source and target))

    def _force(self, source_ids, target_ids, labels):
        """Returns the log-probabilities of the labels `(batch, target_length)`."""
        inputs = {"source_ids": source_ids, "target_ids": target_ids}
        logits = tf.cast(self.model(inputs, training=False), tf.float32)
        # Never the whole log-softmax, which is as large as the logits.
        picked = tf.gather(logits, labels, axis=2, batch_dims=2)
        return picked - tf.reduce_logsumexp(logits, axis=-1)


def _batches_by_length(pairs, batch_size) -> Iterator[list[int]]:
    """Yields lists of indices of pairs of similar lengths, leaving out those without text."""
    order = [index for index, (source, target) in enumerate(pairs) if source or target]
    order.sort(key=lambda index: [len(tokens) for tokens in reversed(pairs[index])])
    batch, longest = [], 0
    for index in order:
        longest = max(longest, *(len(tokens) + 1 for tokens in pairs[index]))
        is_full = len(batch) == batch_size
        is_heavy = (len(batch) + 1) * longest > batch_size * _TOKENS_PER_PAIR
        if batch and (is_full or is_heavy):
            yield batch
            batch, longest = [], max(len(tokens) + 1 for tokens in pairs[index])
        batch.append(index)
    if batch:
        yield batch


def _pad(rows: Iterable[list[int]]) -> np.ndarray:
    rows = list(rows)
    ids = np.full((len(rows), max(map(len, rows))), PADDING_ID, dtype=np.int32)
    for padded, row in zip(ids, rows, strict=True):
        padded[: len(row)] = row
    return ids
