"""Scores of trained models."""

import os
from collections.abc import Iterable, Sequence

from keras_seq2seq import __version__
from keras_seq2seq.building import make_search
from keras_seq2seq.config import Config
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import METRIC_NAMES, make_metrics, parse_metric_names
from keras_seq2seq.evaluation.systems import MetricScore, evaluate, evaluate_systems
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.text import Vocabulary
from keras_seq2seq.translator import Translator, UnkReplacement
from keras_seq2seq.translator.scorer import CorpusScore, Scorer


def make_translator(
    config: Config,
    model: Seq2Seq,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
) -> Translator:
    """Makes the translator that a configuration describes, around a model in training.

    It translates with the weights that the model has at each call.
    """
    hparams = config.hparams
    return Translator(
        model,
        source_vocabulary,
        target_vocabulary,
        source_tokenizer=hparams.source.tokenizer,
        target_tokenizer=hparams.target.tokenizer,
        reverse_source=hparams.source.reverse,
        search=make_search(hparams.inference, target_vocabulary),
        unk_replacement=UnkReplacement() if hparams.inference.unk_replace else None,
    )


def translate_and_score(
    translator,
    source_lines: Sequence[str],
    target_lines: Sequence[str],
    metrics: str | Iterable[str] = ("bleu",),
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
    batch_size: int = 32,
) -> dict[str, float]:
    """Translates the sources and scores the translations.

    References are cut into tokens and joined again, as translations are joined. Their unknown
    words stay as they are, so that a translation with `<unk>` is wrong there.

    Args:
        translator: A `Translator`. One made around the model that is being trained translates
            with its current weights, and is compiled once for all calls.
        source_lines: The sources.
        target_lines: What the translations should be.
        metrics: Names out of `METRIC_NAMES`.
        tokenize: As in `evaluate`.
        lowercase: As in `evaluate`.
        batch_size: The most sentences that are translated at once.

    Returns:
        A dictionary from the name of each metric to its score.

    Raises:
        UserError: As `evaluate`.

    Example:

    >>> translate_and_score(translator, dev_sources, dev_targets, ["bleu", "chrf"])
    {'bleu': 34.2, 'chrf': 58.9}
    """
    metrics = parse_metric_names(metrics)
    tokenizer = translator.target_tokenizer
    references = [tokenizer.join(tokenizer.split(line)) for line in target_lines]
    hypotheses = translator(source_lines, batch_size=batch_size)
    scores = evaluate(hypotheses, references, metrics, tokenize=tokenize, lowercase=lowercase)
    return {name: score.value for name, score in scores.items()}


PERPLEXITY = "perplexity"


def evaluate_models(
    model_dirs: Sequence[str | os.PathLike],
    sources: Sequence[str],
    references: Sequence[str],
    metrics: str | Iterable[str] = (*METRIC_NAMES, PERPLEXITY),
    *,
    batch_size: int = 32,
    **options,
) -> dict[str, dict[str, MetricScore]]:
    """Translates with models and scores the translations, and the references by the models.

    Args:
        model_dirs: The model directories. Those after the first are compared with the first.
        sources: The sources.
        references: What their translations should be.
        metrics: Names out of `METRIC_NAMES`, and `"perplexity"`, that of the references, see
            `CorpusScore`. Perplexities compare only between models of one target vocabulary.
        batch_size: The most sentences that are translated or scored at once.
        **options: Those of `evaluate_systems`.

    Returns:
        A dictionary from each model directory to a dictionary from the name of each metric to
        its `MetricScore`.

    Raises:
        UserError: If a model cannot be loaded, and as `evaluate_systems`.
    """
    metrics = parse_metric_names(metrics, (*METRIC_NAMES, PERPLEXITY))
    if len(sources) != len(references):
        raise UserError(
            f"{len(sources)} sources, but {len(references)} references; expected one for each"
        )
    text_metrics = [name for name in metrics if name != PERPLEXITY]
    # Found out before hours of translating, not after.
    make_metrics(text_metrics or "bleu", options.get("tokenize", "13a"))
    translations, scores = {}, {}
    for model_dir in map(os.fspath, model_dirs):
        # One model at a time is in memory.
        translator = Translator.load(model_dir)
        scores[model_dir] = {}
        if PERPLEXITY in metrics:
            perplexity = _score_perplexity(translator, sources, references, batch_size)
            scores[model_dir][PERPLEXITY] = perplexity
        if text_metrics:
            translations[model_dir] = translator(sources, batch_size=batch_size)
    if text_metrics:
        text_scores = evaluate_systems(translations, references, text_metrics, **options)
        scores = {name: scores[name] | text_scores[name] for name in scores}
    return {name: {metric: scores[name][metric] for metric in metrics} for name in scores}


def _score_perplexity(translator, sources, references, batch_size) -> MetricScore:
    scorer = Scorer.from_translator(translator)
    total = CorpusScore.of(scorer.stream(zip(sources, references, strict=True), batch_size))
    if not total.lines:
        raise UserError("no perplexity: no pair of lines has text on both sides")
    signature = f"tokens:{total.tokens}|lines:{total.lines}|version:keras-seq2seq-{__version__}"
    return MetricScore(total.perplexity, signature)
