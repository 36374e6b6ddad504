"""Translation of sentences with a trained model."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, overload

import keras
from keras import ops

from keras_seq2seq import backend
from keras_seq2seq.decoding import GreedySearch, Search, get_search
from keras_seq2seq.decoding.stepwise import StepwiseSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import Ensemble, Seq2Seq
from keras_seq2seq.models.inputs import decode_ids, to_arrays
from keras_seq2seq.tensorflow_settings import count_cores
from keras_seq2seq.text import TextEncoder, Tokenizer, Vocabulary
from keras_seq2seq.text.deprecated import TEXT_KEYWORDS, accept_deprecated_keywords
from keras_seq2seq.text.text_encoder import as_text_encoders
from keras_seq2seq.translator.scorer import Score, Scorer, check_vocabulary_sizes
from keras_seq2seq.translator.text_translator import TextTranslator
from keras_seq2seq.translator.unk_replacement import UnkReplacement


class Translator(TextTranslator):
    """Translates sentences with a trained model.

    The search is traced once for all batch shapes, and once more if scores or attention are
    requested.

    Args:
        model: The trained model, or an `Ensemble` of several models.
        source: How to encode the sources: a `TextEncoder`, a `Tokenizer` with a vocabulary, or a
            `Vocabulary`, whose tokens are separated by whitespace. Sources are reversed if it is
            a `TextEncoder` with `reverse=True`, but not truncated to its `max_length`.
        target: The same for the targets, which cannot be reversed.
        search: The decoding algorithm: a `GreedySearch` (the default), a `BeamSearch` or a
            `SamplingSearch`, or the name of one, `"greedy"`, `"beam"` or `"sampling"`.
        unk_replacement: Replaces `<unk>` in translations. Requires a model with attention.
        frozen_weights: Whether the weights of the model never change from now on, which makes
            decoding faster.

    Raises:
        TypeError: If `model` is not an encoder-decoder model, or an argument is unknown.
        ValueError: If `unk_replacement` is given and the model has no attention, or if a tokenizer
            has another number of tokens than the model.

    Example:
        >>> translator = Translator.load("model/dir")
        >>> translator("ein mann schläft .")
        'a man sleeps .'
        >>> translator(["ein mann schläft .", "ein mann ."])
        ['a man sleeps .', 'a man .']
        >>> translator = Translator.load("model/dir", search=BeamSearch(width=5, n_best=3))
        >>> [hypothesis.score for hypothesis in translator.translate(["ein mann ."])[0].hypotheses]
        [-0.7, -1.9, -2.2]
    """

    # The sentences of other batches refill the slots of finished ones.
    _batches_read_together = 4

    @accept_deprecated_keywords(
        *TEXT_KEYWORDS,
        "fixed_weights",
        hint="; decoding options belong to the search, as in "
        "`search=BeamSearch(width=5)`, or to `Translator.load(model_dir, beam_width=5)`",
    )
    def __init__(
        self,
        model: Seq2Seq | Ensemble,
        source: TextEncoder | Tokenizer | Vocabulary,
        target: TextEncoder | Tokenizer | Vocabulary,
        *,
        search: Search | str | None = None,
        unk_replacement: UnkReplacement | None = None,
        frozen_weights: bool = False,
    ):
        if isinstance(model, type) or not hasattr(model, "decode_step"):
            raise TypeError(
                "`model` must be an encoder-decoder model, such as `AttentionSeq2Seq`, or an "
                f"`Ensemble`. Received: {model!r:.80}"
            )
        if unk_replacement and not model.has_attention:
            raise ValueError("`unk_replacement` needs a model with attention.")
        self.model = model
        self.search = get_search(search or GreedySearch(max_length=100))
        self.frozen_weights = frozen_weights
        super().__init__(
            *as_text_encoders(source, target),
            max_length=self.search.constraints.max_length,
            max_length_ratio=self.search.constraints.max_length_ratio,
            has_attention=model.has_attention,
            unk_replacement=unk_replacement,
        )
        check_vocabulary_sizes(model, self.source, self.target)
        self._workers = count_cores() if self.search.is_deterministic else 1
        if isinstance(self.search, StepwiseSearch):
            # It follows each hypothesis independently.
            self._rows_per_sentence = self.search.n_best
        self._compile()

    def _compile(self):
        """Creates the functions that are traced when they are first called."""
        self._scorer = None
        ranks = {"source_ids": 2, "prefix": 2, "num_slots": 0}
        self._decode = {
            (with_scores, with_attention): backend.compile_function(
                partial(self._search, with_scores, with_attention), ranks
            )
            for with_scores in (False, True)
            for with_attention in (False, True)
        }

    def __getstate__(self) -> dict[str, Any]:
        # Graphs of TensorFlow cannot be pickled or copied.
        return {**vars(self), "_scorer": None, "_decode": None}

    def __setstate__(self, state: dict[str, Any]):
        vars(self).update(state)
        self._compile()

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
        """Loads a model directory written by `keras-seq2seq train`, with `frozen_weights=True`.

        Args:
            model_dir: The model directory. A list of directories is loaded as an `Ensemble`, with
                the options of the first one.
            search: The decoding algorithm. Defaults to the `inference.*` options of the model.
            return_tree: Whether to return the beam search tree of each translation.
            unk_mapping: Translations of source tokens for `unk_replace`, see `UnkReplacement`.
            **options: Options that override the `inference.*` options of the model, with the names
                of the flags of `keras-seq2seq translate`, such as `beam_width=5`.

        Returns:
            The translator.

        Raises:
            UserError: If a directory contains no model or a damaged one, if the models of an
                ensemble are not compatible, or if an option has no effect.
            TypeError: If both a search and options of a search are given, or an option is unknown.
        """
        if search is not None and (return_tree or options.keys() - {"unk_replace", "dtype"}):
            raise TypeError("expected a search, or options that describe one, but not both")
        from keras_seq2seq.building import make_search
        from keras_seq2seq.model_directory import load_models

        is_one = isinstance(model_dir, (str, os.PathLike))
        model_dirs = [model_dir] if is_one else list(model_dir)
        config, model, source, target = load_models(model_dirs, options)
        inference = config.hparams.inference
        if unk_mapping is not None and not inference.unk_replace:
            raise UserError("unk_mapping: has no effect here: it needs unk_replace")
        replacement = None
        if inference.unk_replace:
            replacement = UnkReplacement({} if unk_mapping is None else unk_mapping)
        return cls(
            model,
            source,
            target,
            search=search or make_search(inference, target.vocabulary, return_tree),
            unk_replacement=replacement,
            frozen_weights=True,
        )

    @property
    def n_best(self) -> int:
        """Number of translations per sentence."""
        return self.search.n_best

    @overload
    def score(self, sources: str, targets: str, batch_size: int = ...) -> Score: ...

    @overload
    def score(
        self, sources: Iterable[str], targets: Iterable[str], batch_size: int = ...
    ) -> list[Score]: ...

    def score(
        self,
        sources: str | Iterable[str],
        targets: str | Iterable[str],
        batch_size: int = 32,
    ) -> Score | list[Score]:
        """Scores given translations by their log-probabilities, as `Scorer` does.

        Args:
            sources: The sources, or a single one.
            targets: Their translations, or a single one.
            batch_size: Maximum number of pairs scored at once.

        Returns:
            The scores in the order of the pairs, or the score of a single pair.

        Raises:
            TypeError: If a line is not a string.
            UserError: If the numbers of sources and targets differ.

        Example:
            >>> translator.score("ein mann schläft .", "a man sleeps .").log_probability
            -1.25
        """
        if self._scorer is None:
            self._scorer = Scorer.from_translator(self)
        return self._scorer(sources, targets, batch_size)

    def warm_up(self, *, with_scores: bool = True, with_attention: bool = True):
        seed = getattr(self.search, "seed", None)
        has_state = isinstance(seed, keras.random.SeedGenerator)
        state = ops.convert_to_numpy(seed.state) if has_state else None
        super().warm_up(with_scores=with_scores, with_attention=with_attention)
        if has_state:
            seed.state.assign(state)

    def save(self, directory: str | os.PathLike):
        """Writes a model directory like that of `train`, which `load` and the commands read.

        It contains the model, the tokenizers and the options of the search. It has no checkpoints:
        it cannot be averaged, and training cannot resume from it, but `--init_from` can start
        from its weights. Layers of your own must be registered with Keras before it is loaded.
        A `SamplingSearch` whose seed is a number is loaded with a `SeedGenerator` of that number,
        so its draws differ from call to call.

        Args:
            directory: The directory. An existing model in it is replaced.

        Raises:
            UserError: If the directory contains a training run or a configuration that a person
                wrote, or cannot be written, if the model is an ensemble, or if the search or the
                mapping of `unk_replacement` cannot be saved.

        Example:
            >>> Translator(model, source_tokenizer, target_tokenizer).save("model/dir")
            >>> Translator.load("model/dir")("ein mann schläft .")
            'a man sleeps .'
        """
        from keras_seq2seq.model_directory import save_model

        if self.unk_replacement is not None and self.unk_replacement.mapping:
            raise UserError(
                "the mapping of unk_replacement cannot be saved; save a translator with "
                "UnkReplacement(), and pass unk_mapping to Translator.load"
            )
        save_model(
            directory,
            self.model,
            self.source,
            self.target,
            self.search,
            unk_replace=self.unk_replacement is not None,
        )

    def export(
        self,
        directory: str | os.PathLike,
        *,
        format: str = "litert",
        quantize: str = "none",
        check_lines: Sequence[str] = (),
    ):
        """Writes the model and its search in a format for deployment.

        Args:
            directory: A new or empty directory. For a SavedModel: the directory of all versions of
                the model, to which the export adds the next one, such as `directory/1`.
            format: `"litert"`, for `keras_seq2seq.runtime`, which needs neither Keras nor
                TensorFlow; or `"saved_model"`, which maps text to text, for TensorFlow Serving.
            quantize: Precision of the weights of a LiteRT model: `"none"` (float32), `"float16"`
                or `"int8"`.
            check_lines: Sources that both models translate, to compare the results.

        Returns:
            The `Agreement` of both models on `check_lines`, or `None` without lines.

        Raises:
            UserError: If the model cannot be exported, or if the exported model is in float32 and
                translates differently.

        Example:
            >>> Translator.load("model/dir").export("exported", check_lines=["ein mann schläft ."])
            >>> keras_seq2seq.runtime.Translator("exported")("ein mann schläft .")
            'a man sleeps .'
        """
        from keras_seq2seq.export import export_translator

        return export_translator(
            self, directory, format=format, quantize=quantize, check_lines=check_lines
        )

    def _decode_batch(self, source_ids, prefix, *, batch_size, with_scores, with_attention):
        return to_arrays(self._decode[with_scores, with_attention](source_ids, prefix, batch_size))

    def _search(self, with_scores, with_attention, source_ids, prefix, num_slots):
        with backend.frozen_weights() if self.frozen_weights else nullcontext():
            return decode_ids(
                self.model,
                source_ids,
                self.search,
                prefix=prefix,
                return_scores=with_scores,
                return_attention_scores=with_attention,
                num_slots=num_slots,
            )
