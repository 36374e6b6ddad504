"""How likely a model finds given translations."""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import tensorflow as tf

from keras_seq2seq.cores import count_cores
from keras_seq2seq.data.length_batches import map_by_length
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import END_ID, SPECIAL_TOKENS
from keras_seq2seq.text import Vocabulary
from keras_seq2seq.text.text_encoder import SentenceEncoder

_END = SPECIAL_TOKENS[END_ID]


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
        self.sources = SentenceEncoder(source_tokenizer, source_vocabulary, reverse_source)
        self.targets = SentenceEncoder(target_tokenizer, target_vocabulary, keep_unknown=True)
        names = ("source_ids", "target_ids", "labels")
        signature = [tf.TensorSpec([None, None], tf.int32, name=name) for name in names]
        self._token_log_probabilities = tf.function(
            self._force, input_signature=signature, autograph=False
        )

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
        from keras_seq2seq.model_directory import ModelDirectory

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
        sources, targets = translator.sources, translator.targets
        return cls(
            translator.model,
            sources.vocabulary,
            targets.vocabulary,
            source_tokenizer=sources.tokenizer,
            target_tokenizer=targets.tokenizer,
            reverse_source=sources.reverse,
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
        return map_by_length(
            self._score_batch,
            ((self.sources.split(source), self.targets.split(target)) for source, target in pairs),
            lengths=lambda pair: (len(pair[1]), len(pair[0])),
            empty=lambda pair: Score(0.0, [], [], is_complete=False),
            batch_size=batch_size,
            workers=count_cores(),
        )

    def _score_batch(self, pairs) -> Iterator[Score]:
        sources, targets = zip(*pairs, strict=True)
        log_probabilities = self._token_log_probabilities(
            self.sources.with_end(sources),
            self.targets.with_start(targets),
            self.targets.with_end(targets),
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
