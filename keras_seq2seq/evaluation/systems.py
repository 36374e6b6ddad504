"""Scores of systems, and significance tests between systems."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import METRIC_NAMES, make_metrics


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


_SEED = "SACREBLEU_SEED"


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[str],
    metrics: str | Iterable[str] = METRIC_NAMES,
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
) -> dict[str, MetricScore]:
    """Scores translations.

    Args:
        hypotheses: List of strings, the translations.
        references: List of strings, one reference for each translation.
        metrics: The names of the metrics, see `METRIC_NAMES`.
        tokenize: The tokenizer of BLEU: `"none"` for tokenized text, `"char"` or `"zh"` for text
            without spaces, or another one of `TOKENIZERS`.
        lowercase: Whether to ignore case.

    Returns:
        A dictionary from metric names to `MetricScore` objects.

    Raises:
        UserError: If there are no lines, the numbers of hypotheses and references differ, or a
            metric or the tokenizer is unknown.

    Example:
        >>> evaluate(["a man sleeps"], ["a man is asleep"], "wer")["wer"].value
        50.0
    """
    metrics = make_metrics(metrics, tokenize, lowercase)
    _check_lines("hypotheses", hypotheses, references)
    scores = {}
    for name, metric in metrics.items():
        value = metric.corpus_score(hypotheses, [references]).score
        scores[name] = MetricScore(float(value), str(metric.get_signature()))
    return scores


def evaluate_systems(
    systems: Mapping[str, Sequence[str]],
    references: Sequence[str],
    metrics: str | Iterable[str] = METRIC_NAMES,
    *,
    tokenize: str = "13a",
    lowercase: bool = False,
    bootstrap_samples: int = 1000,
    seed: int = 12345,
) -> dict[str, dict[str, MetricScore]]:
    """Scores one or more systems, and compares all of them with the first one.

    Differences are tested with sacrebleu's paired bootstrap resampling: all systems are scored on
    the same random samples of lines.

    Args:
        systems: Dictionary from system names to lists of translations.
        references: List of strings, one reference for each translation.
        metrics: The names of the metrics, as for `evaluate`.
        tokenize: The tokenizer of BLEU, as for `evaluate`.
        lowercase: Whether to ignore case.
        bootstrap_samples: The number of bootstrap samples.
        seed: The random seed of the samples, at least 1.

    Returns:
        A dictionary from system names to dictionaries, as returned by `evaluate`.

    Raises:
        UserError: If `bootstrap_samples` or `seed` is less than 1, or for the same reasons as
            `evaluate`.

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
    for name, hypotheses in systems.items():
        _check_lines(name, hypotheses, references)
    if len(systems) == 1:
        ((name, hypotheses),) = systems.items()
        options = {"tokenize": tokenize, "lowercase": lowercase}
        return {name: evaluate(hypotheses, references, metrics, **options)}
    metrics = make_metrics(metrics, tokenize, lowercase)
    signatures, results = _paired_bootstrap(systems, references, metrics, bootstrap_samples, seed)
    return {
        name: {
            metric: _metric_score(results[metric][row], results[metric][0], signatures[metric])
            for metric in metrics
        }
        for row, name in enumerate(systems)
    }


def _paired_bootstrap(systems, references, metrics, samples, seed) -> tuple[dict, dict]:
    """Returns two dictionaries by metric name: the signatures, and the results of all systems."""
    from sacrebleu.significance import PairedTest

    with _sacrebleu_seed(seed):
        test = PairedTest(
            list(systems.items()), metrics, [references], test_type="bs", n_samples=samples
        )
    signatures, table = test()
    # sacrebleu uses other names for the metrics, but keeps their order.
    signatures = dict(zip(metrics, signatures.values(), strict=True))
    _systems, *columns = table.values()
    return signatures, dict(zip(metrics, columns, strict=True))


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


@contextmanager
def _sacrebleu_seed(seed: int) -> Iterator[None]:
    # sacrebleu only reads the seed from the environment.
    before = os.environ.get(_SEED)
    os.environ[_SEED] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SEED]
        else:
            os.environ[_SEED] = before


def _check_lines(name: str, hypotheses: Sequence[str], references: Sequence[str]):
    if not references:
        raise UserError("no references; expected at least one line")
    if len(hypotheses) != len(references):
        raise UserError(
            f"{name}: the number of lines, {len(hypotheses)}, differs from the number of "
            f"references, {len(references)}; expected one line for each reference"
        )
