"""Translating with a model that is loaded once."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import repeat
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_seq2seq import backend
from keras_seq2seq.cores import count_cores
from keras_seq2seq.data.length_batches import map_by_length
from keras_seq2seq.decoding import GreedySearch, Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import Ensemble, Seq2Seq
from keras_seq2seq.text import Vocabulary
from keras_seq2seq.text.text_encoder import SentenceEncoder
from keras_seq2seq.translator.translation import Hypothesis, HypothesisReader, Translation
from keras_seq2seq.translator.unk_replacement import UnkReplacement

# The fastest for short sentences on a CPU; larger batches gain nothing.
BATCH_SIZE = 64

# So many batches are read together: their sentences take the places of those that have ended.
BATCHES_READ_TOGETHER = 4

# A longer line is no sentence. Without a bound, one line could take all memory.
MOST_SOURCE_TOKENS = 10_000


class Translator:
    """Translates sentences with a model that is loaded once.

    The search is traced once, whatever the shapes of its batches; once more for scores, and for
    attention.

    Args:
        model: The trained model, or an `Ensemble` of several.
        source_vocabulary: Vocabulary of the sources.
        target_vocabulary: Vocabulary of the targets.
        source_tokenizer: Name or object, see `get_tokenizer`.
        target_tokenizer: Likewise.
        reverse_source: Whether the model was trained on reversed sources.
        search: How to decode: a `GreedySearch` (the default), a `BeamSearch` or a
            `SamplingSearch`.
        unk_replacement: What to write for unknown words instead of `<unk>`. It needs a model with
            attention.
        frozen_weights: Whether the weights of the model are not going to change any more, which
            makes decoding in bfloat16 faster.

    Raises:
        ValueError: If unknown words cannot be replaced, for lack of attention.

    Example:
        >>> translator = Translator.load("model/dir")
        >>> translator(["ein mann schläft ."])
        ['a man sleeps .']
        >>> translator = Translator.load("model/dir", search=BeamSearch(width=5, n_best=3))
        >>> [hypothesis.score for hypothesis in translator.translate(["ein mann ."])[0].hypotheses]
        [-0.7, -1.9, -2.2]
    """

    def __init__(
        self,
        model: Seq2Seq | Ensemble,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        *,
        source_tokenizer="whitespace",
        target_tokenizer="whitespace",
        reverse_source: bool = False,
        search: Search | None = None,
        unk_replacement: UnkReplacement | None = None,
        frozen_weights: bool = False,
    ):
        if unk_replacement and not model.has_attention:
            raise ValueError("`unk_replacement` needs a model with attention.")
        self.model = model
        self.sources = SentenceEncoder(source_tokenizer, source_vocabulary, reverse_source)
        self.targets = SentenceEncoder(target_tokenizer, target_vocabulary, keep_unknown=True)
        self.search = search or GreedySearch(max_length=100)
        self.unk_replacement = unk_replacement
        self.frozen_weights = frozen_weights
        self._reader = HypothesisReader(self.targets, reverse_source, unk_replacement)
        signature = [
            *(
                tf.TensorSpec([None, None], tf.int32, name=name)
                for name in ("source_ids", "prefix")
            ),
            tf.TensorSpec([], tf.int32, name="num_slots"),
        ]
        # Nothing that is called has control flow for AutoGraph to find, which takes seconds.
        options = {"input_signature": signature, "autograph": False}
        self._decode = {
            (with_scores, with_attention): tf.function(
                partial(self._search, with_scores, with_attention), **options
            )
            for with_scores in (False, True)
            for with_attention in (False, True)
        }

    @classmethod
    def load(
        cls,
        model_dir: str | os.PathLike | Sequence[str | os.PathLike],
        *,
        search: Search | None = None,
        return_tree: bool = False,
        unk_mapping: Mapping[str, str] | str | os.PathLike | None = None,
        **options: Any,
    ) -> "Translator":
        """Loads what `keras-seq2seq train` wrote, to translate with `frozen_weights`.

        Args:
            model_dir: The model directory; or several, whose models decode together as an
                `Ensemble`, by the options of the first.
            search: How to decode, instead of what the model's `inference.*` options say.
            return_tree: Whether translations have the beam's tree.
            unk_mapping: What `unk_replace` writes for source tokens, see `UnkReplacement`.
            **options: Options to use instead of the model's own: those of `inference.*` by the
                names of the flags of `keras-seq2seq translate`, such as `beam_width=5`.

        Returns:
            The translator.

        Raises:
            UserError: If there is no model, or it is damaged, or several do not go together, or
                an option has no effect.
            TypeError: If both a search and options of one are given, or an option is unknown.
        """
        if search is not None and (return_tree or options.keys() - {"unk_replace"}):
            raise TypeError("expected a search, or options that describe one; got both")
        from keras_seq2seq.building import make_search
        from keras_seq2seq.model_directory import load_models

        is_one = isinstance(model_dir, (str, os.PathLike))
        model_dirs = [model_dir] if is_one else list(model_dir)
        config, model, source_vocabulary, target_vocabulary = load_models(model_dirs, options)
        hparams = config.hparams
        if unk_mapping is not None and not hparams.inference.unk_replace:
            raise UserError("unk_mapping: has no effect here: it needs unk_replace")
        return cls(
            model,
            source_vocabulary,
            target_vocabulary,
            source_tokenizer=hparams.source.tokenizer,
            target_tokenizer=hparams.target.tokenizer,
            reverse_source=hparams.source.reverse,
            search=search or make_search(hparams.inference, target_vocabulary, return_tree),
            unk_replacement=(
                UnkReplacement(unk_mapping or {}) if hparams.inference.unk_replace else None
            ),
            frozen_weights=True,
        )

    @property
    def target_tokenizer(self):
        """The tokenizer of the targets, which joins the tokens of translations."""
        return self.targets.tokenizer

    def __call__(self, sentences: Iterable[str], batch_size: int = BATCH_SIZE) -> list[str]:
        """Translates sentences.

        Args:
            sentences: The sentences; an empty one has an empty translation.
            batch_size: The most sentences that are extended at once. Four times as many are
                read, of which the next ones follow as others end.

        Returns:
            The translations in the order of the sentences.
        """
        return [
            translation.text
            for translation in self.stream(
                sentences, batch_size, with_scores=False, with_attention=False
            )
        ]

    def translate(
        self,
        sentences: Iterable[str],
        batch_size: int = BATCH_SIZE,
        *,
        prefixes: Iterable[str] | None = None,
    ) -> list[Translation]:
        """Translates sentences, and tells all hypotheses, scores, tokens and attention as well.

        Args:
            sentences: The sentences; an empty one has an empty translation.
            batch_size: As when called.
            prefixes: For each sentence what its translations must begin with, if anything. Words
                that the model does not know are read as `<unk>` and written as they are.

        Returns:
            The translations in the order of the sentences.

        Raises:
            UserError: If there are not as many prefixes as sentences, or one is too long, or a
                sentence has more than `MOST_SOURCE_TOKENS` tokens.
        """
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
        """Translates sentences as they come, in constant memory and in their order.

        Args:
            sentences: As in `translate`.
            batch_size: Likewise.
            prefixes: Likewise.
            with_scores: Whether to tell the scores, which take greedy search some time.
            with_attention: Whether to tell the attention, if the model has any.
            read_ahead: Whether to read many sentences before the first is answered, to sort them
                by length. If not, each is answered before the next one is read.
        """

        def translate_batch(items):
            return self._translate_batch(items, batch_size, with_scores, with_attention)

        return map_by_length(
            translate_batch,
            self._split(sentences, prefixes),
            lengths=lambda item: (len(item[0]),),
            empty=self._empty_translation,
            batch_size=batch_size * BATCHES_READ_TOGETHER,
            sort=read_ahead,
            workers=count_cores() if self.search.is_deterministic else 1,
        )

    def _split(self, sentences, prefixes) -> Iterator[tuple[list[str], list[str]]]:
        """Yields the tokens of each sentence and of its prefix."""
        most = self.search.constraints.max_length - 1
        prefixes = repeat("") if prefixes is None else iter(prefixes)
        number = 0
        for number, sentence in enumerate(sentences, 1):
            prefix = next(prefixes, None)
            if prefix is None:
                raise UserError(f"{number - 1} prefixes only; expected one for each sentence")
            tokens = self.targets.split(prefix)
            if len(tokens) > most:
                raise UserError(
                    f"prefix {number} has {len(tokens)} tokens; expected at most {most}, since a "
                    f"translation has at most {most + 1} with its end; give a greater max_length"
                )
            source = self.sources.split(sentence)
            if len(source) > MOST_SOURCE_TOKENS:
                raise UserError(
                    f"sentence {number} has {len(source):,} tokens; expected at most "
                    f"{MOST_SOURCE_TOKENS:,}, since it is read at once; split the text"
                )
            yield source, tokens
        if not isinstance(prefixes, repeat) and next(prefixes, None) is not None:
            raise UserError(f"more than {number} prefixes; expected one for each sentence")

    def _empty_translation(self, item) -> Translation:
        attention = np.zeros((0, 0), "float32") if self.model.has_attention else None
        return Translation([], [Hypothesis("", [], 0.0, [], attention)])

    def _translate_batch(
        self, items, batch_size, with_scores, with_attention
    ) -> Iterator[Translation]:
        sources, prefixes = zip(*items, strict=True)
        with_attention = self.model.has_attention and (
            with_attention or self.unk_replacement is not None
        )
        decode = self._decode[with_scores, with_attention]
        source_ids, prefix_ids = self.sources.with_end(sources), self.targets.padded(prefixes)
        found = decode(source_ids, prefix_ids, min(batch_size, len(sources)))
        found = keras.tree.map_structure(lambda part: part if part is None else part.numpy(), found)
        for row, (source, prefix) in enumerate(items):
            yield Translation(
                source,
                list(self._reader.read(found, row, source, prefix)),
                found.tree and type(found.tree)(*(part[row] for part in found.tree)),
            )

    def _search(self, with_scores, with_attention, source_ids, prefix, num_slots):
        with backend.frozen_weights() if self.frozen_weights else nullcontext():
            memory, states = self.model.encode(source_ids)
            # The end token is none of the source's own.
            lengths = tf.math.count_nonzero(source_ids, axis=-1, dtype=tf.int32) - 1
            return self.search(
                self.model.decode_step,
                states,
                memory,
                source_lengths=lengths,
                prefix=prefix,
                return_scores=with_scores,
                return_attention_scores=with_attention,
                num_slots=num_slots,
            )
