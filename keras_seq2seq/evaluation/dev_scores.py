"""Scores during training."""

from collections.abc import Iterable, Sequence

from keras_seq2seq.evaluation.systems import evaluate
from keras_seq2seq.metrics import parse_metric_names


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
