"""Evaluation of trained models."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_seq2seq import __version__
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import (
    COMET,
    DEFAULT_METRICS,
    METRIC_NAMES,
    PERPLEXITY,
    make_metrics,
    parse_metric_names,
)
from keras_seq2seq.evaluation.references import References, reference_streams
from keras_seq2seq.evaluation.systems import MetricScore, evaluate, evaluate_systems
from keras_seq2seq.translator import Translator
from keras_seq2seq.translator.scorer import CorpusScore, Scorer


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
    """Translates sources and scores the translations.

    References are tokenized and detokenized, like the translations. Their unknown words are kept,
    so a translation with `<unk>` in their place is wrong.

    Args:
        translator: A `Translator`. If its model is still being trained, it translates with the
            current weights, and is traced only once for all calls.
        source_lines: The sources.
        target_lines: The reference translations.
        metrics: Names from `METRIC_NAMES`.
        tokenize: As in `evaluate`.
        lowercase: As in `evaluate`.
        batch_size: Maximum number of sentences translated at once.

    Returns:
        A dictionary from the name of each metric to its score.

    Raises:
        UserError: In the cases of `evaluate`.

    Example:

    >>> translate_and_score(translator, dev_sources, dev_targets, ["bleu", "chrf"])
    {'bleu': 34.2, 'chrf': 58.9}
    """
    metrics = parse_metric_names(metrics)
    target = translator.target
    references = [target.tokenizer.detokenize(target.split(line)) for line in target_lines]
    hypotheses = translator(source_lines, batch_size=batch_size)
    scores = evaluate(hypotheses, references, metrics, tokenize=tokenize, lowercase=lowercase)
    return {name: score.value for name, score in scores.items()}


def evaluate_models(
    model_dirs: Sequence[str | os.PathLike],
    sources: Sequence[str],
    references: References,
    metrics: str | Iterable[str] = (*DEFAULT_METRICS, PERPLEXITY),
    *,
    batch_size: int = 32,
    decoding: Mapping[str, Any] | None = None,
    **options,
) -> dict[str, dict[str, MetricScore]]:
    """Evaluates models by their translations, and by the perplexity of the references.

    Args:
        model_dirs: The model directories. Each one after the first is compared with the first.
        sources: The sources.
        references: Their reference translations: a string or a list of strings for each source.
        metrics: Names from `METRIC_NAMES`, `"comet"`, and `"perplexity"`, the perplexity of the
            references (see `CorpusScore`). If a source has several references, each of them is a
            pair of its own. Perplexities are only comparable between models with the same target
            vocabulary.
        batch_size: Maximum number of sentences translated or scored at once.
        decoding: Decoding options, which override those of the models; see `Translator.load`.
        **options: Options of `evaluate_systems`, except the sources.

    Returns:
        A dictionary from each model directory to a dictionary from the name of each metric to
        its `MetricScore`.

    Raises:
        UserError: If a model cannot be loaded, or in the cases of `evaluate_systems`.

    Example:
        >>> scores = evaluate_models(["model"], ["ein mann schläft ."], ["a man sleeps ."])
        >>> scores["model"]["bleu"].value
        34.2
    """
    metrics = parse_metric_names(metrics, (*METRIC_NAMES, COMET, PERPLEXITY))
    if len(sources) != len(references):
        raise UserError(
            f"{len(sources)} sources, but {len(references)} references; "
            "expected one for each source"
        )
    text_metrics = [name for name in metrics if name != PERPLEXITY]
    # Checks the options before translating, which can take hours.
    make_metrics(text_metrics or "bleu", options.get("tokenize", "13a"), sources=sources)
    reference_streams(references)
    translations, scores, raw_references = {}, {}, references
    for model_dir in map(os.fspath, model_dirs):
        # Only one model is in memory at a time.
        translator = Translator.load(model_dir, **(decoding or {}))
        scores[model_dir] = {}
        if PERPLEXITY in metrics:
            perplexity = _score_perplexity(translator, sources, references, batch_size)
            scores[model_dir][PERPLEXITY] = perplexity
        if text_metrics:
            translations[model_dir] = translator(sources, batch_size=batch_size)
            # Joins the subwords of all models, whatever their order.
            raw_references = [_to_raw(translator, lines) for lines in raw_references]
    if text_metrics:
        text_scores = evaluate_systems(
            translations, raw_references, text_metrics, sources=sources, **options
        )
        scores = {name: scores[name] | text_scores[name] for name in scores}
    return {name: {metric: scores[name][metric] for metric in metrics} for name in scores}


def _score_perplexity(translator, sources, references, batch_size) -> MetricScore:
    scorer = Scorer.from_translator(translator)
    pairs = (
        (source, reference)
        for source, line in zip(sources, references, strict=True)
        for reference in ([line] if isinstance(line, str) else line)
    )
    total = CorpusScore.of(scorer.stream(pairs, batch_size))
    if not total.lines:
        raise UserError("cannot compute perplexity: no pair of lines has text on both sides")
    signature = f"tokens:{total.tokens}|lines:{total.lines}|version:keras-seq2seq-{__version__}"
    return MetricScore(total.perplexity, signature)


def _to_raw(translator: Translator, references: str | Sequence[str]) -> str | list[str]:
    """Returns one or several references as raw text, in which subwords are joined."""
    to_raw = translator.target.tokenizer.to_raw
    return to_raw(references) if isinstance(references, str) else list(map(to_raw, references))
