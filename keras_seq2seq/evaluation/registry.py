"""Metrics by name."""

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

# The tokenizers of sacrebleu that download nothing.
TOKENIZERS = ("none", "13a", "intl", "char", "zh", "ja-mecab", "ko-mecab")


def parse_metric_names(
    names: str | Iterable[str], known: Iterable[str] = METRIC_NAMES
) -> tuple[str, ...]:
    """Normalizes and checks the names of metrics.

    Args:
        names: The names, as an iterable or a comma-separated string. Upper case and hyphens are
            accepted, as in `"chrF"` and `"ROUGE-L"`.
        known: The valid names.

    Returns:
        A tuple of the names in the spelling of `METRIC_NAMES`, without duplicates.

    Raises:
        UserError: If there are no names, or a name is unknown.

    Example:
        >>> parse_metric_names("chrF,ROUGE-L")
        ('chrf', 'rouge_l')
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
    """Creates metrics.

    Args:
        names: The names of the metrics, as for `parse_metric_names`.
        tokenize: The tokenizer of BLEU, one of `TOKENIZERS`. Use `"none"` for tokenized text.
        lowercase: Whether to ignore case. TER always ignores case.

    Returns:
        A dictionary from names to metrics, which are `sacrebleu.metrics.base.Metric` objects.

    Raises:
        UserError: If a metric or the tokenizer is unknown, or the library of the tokenizer is not
            installed.

    Example:
        >>> metric = make_metrics("exact_match")["exact_match"]
        >>> metric.corpus_score(["a man", "a dog"], [["a man", "the dog"]]).score
        50.0
    """
    names = parse_metric_names(names)
    _check_choice("tokenizer", tokenize, TOKENIZERS)
    return {name: _make_metric(name, tokenize, lowercase) for name in names}


def _make_metric(name: str, tokenize: str, lowercase: bool):
    # Imported here, as importing sacrebleu would slow down --help.
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
