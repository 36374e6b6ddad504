"""From sentences to sentences, with a trained model."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import tensorflow as tf

from keras_seq2seq.config import Config, Inference
from keras_seq2seq.data import Vocabulary, get_tokenizer
from keras_seq2seq.decoding import BeamSearch, GreedySearch, Search
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID

# Sentences are sorted by length within so many batches, and no further, so that a stream of any
# length is answered in constant memory.
_BATCHES_SORTED_TOGETHER = 64

# A batch of long sentences holds fewer of them: at most this many source tokens for each
# sentence of a full batch, padding included.
_TOKENS_PER_SENTENCE = 64


@dataclass(frozen=True)
class Translation:
    """A translated sentence.

    Attributes:
        text: The translation.
        source_tokens: The tokens of the source, in the order in which they were written.
        target_tokens: The tokens of the translation.
        score: What the search ranked it by: the log-probability in nats, its end included,
            changed by the search's penalties if it has any.
        attention: Floats `(target_tokens, source_tokens)`: where each target token looked,
            weights on the source's end token left out; `None` without attention.
    """

    text: str
    source_tokens: list[str]
    target_tokens: list[str]
    score: float
    attention: np.ndarray | None


class Translator:
    """Translates sentences with a model that is loaded once.

    Args:
        model: The trained model.
        source_vocabulary: Vocabulary of the sources.
        target_vocabulary: Vocabulary of the targets.
        source_tokenizer: Name or object, see `get_tokenizer`.
        target_tokenizer: Likewise.
        reverse_source: Whether the model was trained on reversed sources.
        search: How to decode: a `GreedySearch` (the default) or a `BeamSearch`, for example.

    Example:
        >>> translator = Translator.load("model/dir")
        >>> translator(["ein mann schläft ."])
        ['a man sleeps .']
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
        search: Search | None = None,
    ):
        self.model = model
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.source_tokenizer = get_tokenizer(source_tokenizer)
        self.target_tokenizer = get_tokenizer(target_tokenizer)
        self.reverse_source = reverse_source
        self.search = search or GreedySearch(max_length=100)
        self._has_attention = hasattr(model.decoder, "attention")
        signature = [tf.TensorSpec([None, None], tf.int32, name="source_ids")]
        self._decode = tf.function(self._search, input_signature=signature)
        self._decode_with_attention = tf.function(
            lambda source_ids: self._search(source_ids, return_attention_scores=True),
            input_signature=signature,
        )

    @classmethod
    def load(cls, model_dir: str | os.PathLike, **beam_search) -> "Translator":
        """Loads what `keras-seq2seq train` wrote.

        Args:
            model_dir: The model directory.
            beam_search: Options to use instead of the model's `inference.beam_search.*`:
                `beam_width`, `length_penalty_weight`.

        Returns:
            The translator.

        Raises:
            UserError: If there is no model, or it is damaged.
        """
        directory = ModelDirectory(model_dir)
        config, vocabularies = directory.load_config(), directory.load_vocabularies()
        options = config.hparams.inference
        options = options.model_copy(
            update={"beam_search": options.beam_search.model_copy(update=beam_search)}
        )
        return cls.from_config(
            config, directory.load_model(), *vocabularies, search=make_search(options)
        )

    @classmethod
    def from_config(
        cls,
        config: Config,
        model: Seq2Seq,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        search: Search | None = None,
    ) -> "Translator":
        """Makes the translator that a configuration describes, around a model.

        It translates with the weights that the model has at each call, so that it can be used
        while the model is trained.
        """
        hparams = config.hparams
        return cls(
            model,
            source_vocabulary,
            target_vocabulary,
            source_tokenizer=hparams.source.tokenizer,
            target_tokenizer=hparams.target.tokenizer,
            reverse_source=hparams.source.reverse,
            search=search or make_search(hparams.inference),
        )

    def __call__(self, sentences: Iterable[str], batch_size: int = 32) -> list[str]:
        """Translates sentences.

        Args:
            sentences: The sentences; an empty one has an empty translation.
            batch_size: The most sentences that are translated at once.

        Returns:
            The translations in the order of the sentences.
        """
        return list(self.stream(sentences, batch_size))

    def translate(self, sentences: Iterable[str], batch_size: int = 32) -> list[Translation]:
        """Translates sentences, and tells scores, tokens and attention as well."""
        return list(self._in_windows(sentences, batch_size, self._translate_batch))

    def stream(self, sentences: Iterable[str], batch_size: int = 32) -> Iterator[str]:
        """Translates sentences as they come, in constant memory and in their order."""
        return self._in_windows(sentences, batch_size, self._text_batch)

    def _in_windows(self, sentences, batch_size, translate_batch):
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
        sentences = iter(sentences)
        while window := list(islice(sentences, batch_size * _BATCHES_SORTED_TOGETHER)):
            tokens = [self.source_tokenizer.split(sentence) for sentence in window]
            results = [None] * len(window)
            for batch in _batches_by_length(tokens, batch_size):
                translated = translate_batch([tokens[index] for index in batch])
                for index, result in zip(batch, translated, strict=True):
                    results[index] = result
            yield from results

    def _text_batch(self, token_lists):
        if not token_lists[0]:
            return [""] * len(token_lists)
        ids, *_ = self._decode(self._source_ids(token_lists))
        return [self.target_tokenizer.join(self._target_tokens(row)) for row in ids[:, 0].numpy()]

    def _translate_batch(self, token_lists):
        if not token_lists[0]:
            return [Translation("", [], [], 0.0, None)] * len(token_lists)
        decode = self._decode_with_attention if self._has_attention else self._decode
        hypotheses = decode(self._source_ids(token_lists))
        ids, scores = hypotheses.ids[:, 0].numpy(), hypotheses.scores[:, 0].numpy()
        attention = hypotheses.attention_scores
        weights = [None] * len(token_lists) if attention is None else attention[:, 0].numpy()
        return [
            self._translation(*row) for row in zip(token_lists, ids, scores, weights, strict=True)
        ]

    def _translation(self, source_tokens, ids, score, weights) -> Translation:
        target_tokens = self._target_tokens(ids)
        if weights is not None:
            weights = weights[: len(target_tokens), : len(source_tokens)]
            weights = weights[:, ::-1] if self.reverse_source else weights
        text = self.target_tokenizer.join(target_tokens)
        return Translation(text, source_tokens, target_tokens, float(score), weights)

    def _source_ids(self, token_lists) -> np.ndarray:
        """Returns ids `(batch, longest + 1)`, each row ended and padded."""
        longest = max(len(tokens) for tokens in token_lists)
        ids = np.full((len(token_lists), longest + 1), PADDING_ID, dtype=np.int32)
        for row, tokens in zip(ids, token_lists, strict=True):
            tokens = tokens[::-1] if self.reverse_source else tokens
            row[: len(tokens) + 1] = [*self.source_vocabulary.to_ids(tokens), END_ID]
        return ids

    def _target_tokens(self, ids) -> list[str]:
        """Returns the tokens before the end token."""
        (ends,) = np.nonzero(ids == END_ID)
        ids = ids[: ends[0]] if len(ends) else ids
        return self.target_vocabulary.to_tokens(i for i in ids if i not in (PADDING_ID, START_ID))

    def _search(self, source_ids, return_attention_scores=False):
        memory, states = self.model.encode(source_ids)
        return self.search(
            self.model.decode_step,
            states,
            memory,
            return_attention_scores=return_attention_scores,
        )


def make_search(options: Inference) -> Search:
    """Returns the search that the options `inference.*` describe."""
    beam, max_length = options.beam_search, options.max_decode_length
    if beam.beam_width <= 1:
        return GreedySearch(max_length=max_length)
    return BeamSearch(
        width=beam.beam_width,
        length_penalty=beam.length_penalty_weight,
        max_length=max_length,
    )


def _batches_by_length(token_lists, batch_size) -> Iterator[list[int]]:
    """Yields lists of indices of sentences of similar lengths, empty sentences apart."""
    order = sorted(range(len(token_lists)), key=lambda index: len(token_lists[index]))
    batch = []
    for index in order:
        length = len(token_lists[index]) + 1
        is_full = len(batch) == batch_size
        is_heavy = (len(batch) + 1) * length > batch_size * _TOKENS_PER_SENTENCE
        follows_empty = batch and length > 1 and not token_lists[batch[0]]
        if batch and (is_full or is_heavy or follows_empty):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
