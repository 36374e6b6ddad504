"""Metrics by name."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from keras_seq2seq.errors import UserError

# The metrics that are computed unless others are requested.
DEFAULT_METRICS = (
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

# The metrics that compare lines of text. The last two are the error rates of pronunciations.
METRIC_NAMES = (*DEFAULT_METRICS, "per", "sequence_error")

# The metric of models, computed by `training.model_evaluation`.
PERPLEXITY = "perplexity"

# The loss is that of models in training.
LOWER_IS_BETTER = frozenset(("loss", "ter", "wer", "cer", "per", "sequence_error", PERPLEXITY))

# A neural metric that also uses the sources.
COMET = "comet"
COMET_MODEL = "Unbabel/wmt22-comet-da"

# The metrics that `lowercase` does not affect.
REGARDLESS_OF_CASE = frozenset(("ter", COMET, PERPLEXITY))

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
    names: str | Iterable[str],
    tokenize: str = "13a",
    lowercase: bool = False,
    *,
    sources: Sequence[str] | None = None,
    comet_model: str = COMET_MODEL,
) -> dict[str, Any]:
    """Creates metrics.

    Args:
        names: The names of the metrics: those of `METRIC_NAMES`, and `"comet"`.
        tokenize: The tokenizer of BLEU, one of `TOKENIZERS`. Use `"none"` for tokenized text.
        lowercase: Whether to ignore case. TER always ignores case, COMET never.
        sources: The sources of the lines that will be scored, which only COMET uses.
        comet_model: The name or the checkpoint file of the COMET model.

    Returns:
        A dictionary from names to metrics, which are `sacrebleu.metrics.base.Metric` objects.

    Raises:
        UserError: If a metric or the tokenizer is unknown, a library is not installed, or COMET
            is requested without sources.

    Example:
        >>> metric = make_metrics("exact_match")["exact_match"]
        >>> metric.corpus_score(["a man", "a dog"], [["a man", "the dog"]]).score
        50.0
    """
    names = parse_metric_names(names, (*METRIC_NAMES, COMET))
    _check_choice("tokenizer", tokenize, TOKENIZERS)
    metrics = {}
    for name in names:
        if name == COMET:
            from keras_seq2seq.evaluation.comet import Comet

            metrics[name] = Comet(sources, comet_model)
        else:
            metrics[name] = _make_metric(name, tokenize, lowercase)
    return metrics


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
        case "wer" | "per" | "cer":
            return line_metrics.ErrorRate(name, lowercase)
        case "exact_match":
            return line_metrics.ExactMatch(lowercase)
        case "sequence_error":
            return line_metrics.SequenceError(lowercase)
        case _:
            return line_metrics.Rouge(name, lowercase)


def _check_choice(kind: str, name: str, known: tuple[str, ...]):
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
        raise UserError(f"unknown {kind} {name!r}; {hint}")
