"""Metrics by the names that users give."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from keras_seq2seq.errors import UserError

METRIC_NAMES = (
    "bleu",
    "chrf",
    "ter",
    "rouge_1",
    "rouge_2",
    "rouge_l",
    "wer",
    "cer",
    "exact_match",
)

LOWER_IS_BETTER = frozenset(("ter", "wer", "cer", "perplexity"))

# Those of sacrebleu that load nothing from the network.
TOKENIZERS = ("none", "13a", "intl", "char", "zh", "ja-mecab", "ko-mecab")


def parse_metric_names(
    names: str | Iterable[str], known: Iterable[str] = METRIC_NAMES
) -> tuple[str, ...]:
    """Checks the names of metrics.

    Args:
        names: The names, or one string of them with commas between. Upper case and hyphens are
            understood: `"chrF"`, `"ROUGE-L"`.
        known: The names to choose from.

    Returns:
        The names as `METRIC_NAMES` spells them, each once.

    Raises:
        UserError: If there is none, or one is unknown.
    """
    known = tuple(known)
    if isinstance(names, str):
        names = names.split(",")
    names = [name.strip().lower().replace("-", "_") for name in names]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise UserError(f"no metric given; choose from {', '.join(known)}")
    for name in names:
        _check_choice("metric", name, known)
    return tuple(names)


def make_metrics(
    names: str | Iterable[str], tokenize: str = "13a", lowercase: bool = False
) -> dict[str, Any]:
    """Makes metrics.

    Args:
        names: Names out of `METRIC_NAMES`, see `parse_metric_names`.
        tokenize: How BLEU cuts text into words, one of `TOKENIZERS`. `"none"` for text that is
            tokenised already.
        lowercase: Whether to compare text in lower case. TER always does.

    Returns:
        A dictionary from each name to its metric, a `sacrebleu.metrics.base.Metric`.

    Raises:
        UserError: If a metric or the tokenizer is unknown, or the tokenizer lacks its library.

    Example:

    >>> metric = make_metrics("exact_match")["exact_match"]
    >>> metric.corpus_score(["a man", "a dog"], [["a man", "the dog"]]).score
    50.0
    """
    names = parse_metric_names(names)
    _check_choice("tokenizer", tokenize, TOKENIZERS)
    return {name: _make_metric(name, tokenize, lowercase) for name in names}


def _make_metric(name: str, tokenize: str, lowercase: bool):
    # These import sacrebleu, for which --help shall not wait.
    from keras_seq2seq.evaluation import line_metrics

    match name:
        case "bleu":
            return line_metrics.make_bleu(tokenize, lowercase)
        case "chrf":
            return line_metrics.make_chrf(lowercase)
        case "ter":
            return line_metrics.make_ter()
        case "wer" | "cer":
            return line_metrics.ErrorRate(name, lowercase)
        case "exact_match":
            return line_metrics.ExactMatch(lowercase)
        case _:
            return line_metrics.Rouge(name, lowercase)


def _check_choice(kind: str, name: str, known: tuple[str, ...]):
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
        raise UserError(f"unknown {kind} {name!r}; {hint}")
