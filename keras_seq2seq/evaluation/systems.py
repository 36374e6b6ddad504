"""Scores of translations, and comparisons between systems."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import METRIC_NAMES, make_metrics


@dataclass(frozen=True)
class MetricScore:
    """The score of a system by one metric.

    Attributes:
        value: The score, a percentage; perplexity is none.
        signature: How it was computed, as sacrebleu writes it; give it along with the score.
        mean: The mean over resampled corpora, `None` for a system evaluated alone.
        confidence: Half the width of the interval around `mean` that holds 95 % of the scores of
            resampled corpora, likewise.
        p_value: The probability of at least such a difference to the first system if the two
            were equally good. `None` for the first system, or one evaluated alone.
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
        hypotheses: The translations.
        references: What they should be, one for each.
        metrics: Names out of `METRIC_NAMES`.
        tokenize: How BLEU cuts text into words: `"none"` for text that is tokenised already,
            `"char"` or `"zh"` for text without blanks.
        lowercase: Whether to compare text in lower case.

    Returns:
        A dictionary from the name of each metric to its `MetricScore`.

    Raises:
        UserError: If there are no lines, or not as many hypotheses as references, or a metric or
            the tokenizer is unknown.

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
    """Scores the translations of one system, or compares those of several with the first one's.

    Differences are tested with sacrebleu's paired bootstrap: each system is scored on the same
    corpora, drawn at random from the lines.

    Args:
        systems: A dictionary from the name of each system to its translations.
        references: What they should be.
        metrics: As in `evaluate`.
        tokenize: As in `evaluate`.
        lowercase: As in `evaluate`.
        bootstrap_samples: How many corpora to draw.
        seed: Their seed, at least 1.

    Returns:
        A dictionary from the name of each system to a dictionary as `evaluate` returns it.

    Raises:
        UserError: As `evaluate`, or if `bootstrap_samples` or `seed` is below 1.

    Reference:
        - Koehn, 2004, https://aclanthology.org/W04-3250
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
    """Returns the signature and the list of the systems' results, by names of metrics."""
    from sacrebleu.significance import PairedTest

    with _sacrebleu_seed(seed):
        test = PairedTest(
            list(systems.items()), metrics, [references], test_type="bs", n_samples=samples
        )
    signatures, table = test()
    # sacrebleu calls metrics by names of its own, but keeps their order.
    signatures = dict(zip(metrics, signatures.values(), strict=True))
    _systems, *columns = table.values()
    return signatures, dict(zip(metrics, columns, strict=True))


def _metric_score(result, baseline, signature) -> MetricScore:
    p_value = result.p_value
    if p_value is not None and result.score == baseline.score:
        # sacrebleu counts larger differences only, which makes systems that do not differ at all
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
    # sacrebleu takes the seed from the environment only.
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
            f"{name}: {len(hypotheses)} lines, but there are {len(references)} references; "
            "expected one line for each reference"
        )
