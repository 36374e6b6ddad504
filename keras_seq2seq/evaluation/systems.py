"""Scores of systems, and significance tests between systems."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_seq2seq.columns import is_table, plain_items
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation.references import References, check_string, reference_streams
from keras_seq2seq.evaluation.registry import COMET_MODEL, DEFAULT_METRICS, make_metrics


@dataclass(frozen=True)
class MetricScore:
    """The score of a system on one metric.

    Attributes:
        value: The score in percent, except for perplexity.
        signature: sacrebleu's description of how the score was computed, to be reported with it.
        mean: The mean score over bootstrap samples; `None` for a single system.
        confidence: The half-width of the 95 % confidence interval around `mean`; `None` for a
            single system.
        p_value: The p-value of the difference from the first system; `None` for the first or a
            single system.
    """

    value: float
    signature: str
    mean: float | None = None
    confidence: float | None = None
    p_value: float | None = None


def evaluate(
    hypotheses: Sequence[str],
    references: References,
    metrics: str | Iterable[str] = DEFAULT_METRICS,
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
    sources: Sequence[str] | None = None,
    comet_model: str = COMET_MODEL,
) -> dict[str, MetricScore]:
    """Scores translations.

    Args:
        hypotheses: List of strings or column of a table, the translations.
        references: List or column with the reference of each translation, a string, or its
            references, a list of strings. BLEU, chrF and TER use several references as in
            sacrebleu; error rates use the closest one, exact match any of them, ROUGE and COMET
            the best.
        metrics: The names of the metrics: those of `METRIC_NAMES`, and `"comet"`.
        tokenize: The tokenizer of BLEU: `"none"` for tokenized text, `"char"` or `"zh"` for text
            without spaces, or another one of `TOKENIZERS`.
        lowercase: Whether to ignore case.
        sources: List of strings, the sources of the translations, for COMET.
        comet_model: The name or the checkpoint file of the COMET model.

    Returns:
        A dictionary from metric names to `MetricScore` objects.

    Raises:
        UserError: If there are no lines, the numbers of hypotheses, references and sources
            differ, a line has no reference, a metric or the tokenizer is unknown, or the library
            of a metric is not installed.
        TypeError: If a line is not a string.

    Example:
        >>> evaluate(["a man sleeps"], ["a man is asleep"], "wer")["wer"].value
        50.0
        >>> evaluate(["a man sleeps"], [["a man is asleep", "a man sleeps"]], "wer")["wer"].value
        0.0
    """
    metrics = make_metrics(metrics, tokenize, lowercase, sources=sources, comet_model=comet_model)
    references = _as_list("references", references)
    hypotheses = _as_lines("hypotheses", hypotheses, references)
    streams = reference_streams(references)
    scores = {}
    for name, metric in metrics.items():
        value = metric.corpus_score(hypotheses, streams).score
        scores[name] = MetricScore(float(value), str(metric.get_signature()))
    return scores


def evaluate_systems(
    systems: Mapping[str, Sequence[str]],
    references: References,
    metrics: str | Iterable[str] = DEFAULT_METRICS,
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
    sources: Sequence[str] | None = None,
    comet_model: str = COMET_MODEL,
    bootstrap_samples: int = 1000,
    seed: int = 12345,
) -> dict[str, dict[str, MetricScore]]:
    """Scores one or more systems, and compares all of them with the first one.

    Differences are tested with sacrebleu's paired bootstrap resampling: all systems are scored on
    the same random samples of lines.

    Args:
        systems: Dictionary from system names to lists of translations.
        references: The references, as for `evaluate`.
        metrics: The names of the metrics, as for `evaluate`.
        tokenize: The tokenizer of BLEU, as for `evaluate`.
        lowercase: Whether to ignore case.
        sources: The sources, as for `evaluate`.
        comet_model: The COMET model, as for `evaluate`.
        bootstrap_samples: The number of bootstrap samples.
        seed: The random seed of the samples, at least 1.

    Returns:
        A dictionary from system names to dictionaries, as returned by `evaluate`.

    Raises:
        UserError: If `bootstrap_samples` or `seed` is less than 1, or for the same reasons as
            `evaluate`.
        TypeError: As for `evaluate`.

    Example:
        >>> scores = evaluate_systems({"ours": ours, "theirs": theirs}, references, "bleu,chrf")
        >>> scores["theirs"]["bleu"].p_value
        0.012

    Reference:
        - Koehn, 2004, "Statistical Significance Tests for Machine Translation Evaluation",
          https://aclanthology.org/W04-3250
    """
    for option, value in (("bootstrap_samples", bootstrap_samples), ("seed", seed)):
        if value < 1:
            raise UserError(f"{option} is {value}; expected at least 1")
    references = _as_list("references", references)
    systems = {
        name: _as_lines(name, hypotheses, references) for name, hypotheses in systems.items()
    }
    options = {
        "tokenize": tokenize,
        "lowercase": lowercase,
        "sources": sources,
        "comet_model": comet_model,
    }
    if len(systems) == 1:
        ((name, hypotheses),) = systems.items()
        return {name: evaluate(hypotheses, references, metrics, **options)}
    metrics = make_metrics(metrics, **options)
    signatures, results = _paired_bootstrap(
        systems, reference_streams(references), metrics, bootstrap_samples, seed
    )
    return {
        name: {
            metric: _metric_score(results[metric][row], results[metric][0], signatures[metric])
            for metric in metrics
        }
        for row, name in enumerate(systems)
    }


def _paired_bootstrap(systems, streams, metrics, samples, seed) -> tuple[dict, dict]:
    """Returns two dictionaries by metric name: the signatures, and the results of all systems.

    They equal those of `sacrebleu.significance.PairedTest`, which takes memory for all samples at
    once.
    """
    signatures, results = {}, {}
    for name, metric in metrics.items():
        results[name] = _resample(systems, streams, metric, samples, seed)
        signatures[name] = metric.get_signature()
        signatures[name].update("seed", str(seed))
        signatures[name].update("bs", samples)
    return signatures, results


def _resample(systems, streams, metric, samples, seed) -> list:
    """Returns the results of all systems for one metric."""
    import numpy as np
    from sacrebleu.significance import Result, estimate_ci

    results, baseline = [], None
    for hypotheses in systems.values():
        statistics = metric._extract_corpus_statistics(hypotheses, streams)
        score = metric._aggregate_and_compute(statistics).score
        statistics = np.array(statistics, "float32")
        # All systems and metrics are scored on the same samples.
        random, lines = np.random.default_rng(seed), len(statistics)
        scores = np.array(
            [
                metric._compute_score_from_stats(
                    statistics[random.choice(lines, lines)].sum(0)
                ).score
                for _ in range(samples)
            ]
        )
        if baseline is None:
            baseline, p_value = (score, scores), None
        else:
            differences = np.abs(scores - baseline[1])
            centered = differences - differences.mean()
            number = int(np.sum(centered > abs(score - baseline[0])))
            p_value = (number + 1) / (samples + 1)
        results.append(Result(score, p_value, *estimate_ci(scores)))
    return results


def _metric_score(result, baseline, signature) -> MetricScore:
    p_value = result.p_value
    if p_value is not None and result.score == baseline.score:
        # sacrebleu only counts larger differences, so that identical systems would appear to
        # differ significantly.
        p_value = 1.0
    return MetricScore(
        value=float(result.score),
        signature=str(signature),
        mean=float(result.mean),
        confidence=float(result.ci),
        p_value=p_value,
    )


def _as_list(name: str, lines: Any) -> list:
    """Returns the items of a list, an array or a column of a table.

    Raises:
        TypeError: If it is a single string, a table or not iterable.
    """
    if is_table(lines) or isinstance(lines, (str, bytes)) or not isinstance(lines, Iterable):
        raise TypeError(
            f"`{name}` must be a list of strings, such as one column of a table. Received: a "
            f"{type(lines).__name__}"
        )
    return list(plain_items(lines))


def _as_lines(name: str, hypotheses: Any, references: list) -> list[str]:
    """Returns translations as a list of strings, one for each reference."""
    hypotheses = _as_list(name, hypotheses)
    if not references:
        raise UserError("no references; expected at least one line")
    if len(hypotheses) != len(references):
        raise UserError(
            f"{name}: the number of lines, {len(hypotheses)}, differs from the number of "
            f"references, {len(references)}; expected one line for each reference"
        )
    for number, line in enumerate(hypotheses, 1):
        check_string(name, line, number)
    return hypotheses
