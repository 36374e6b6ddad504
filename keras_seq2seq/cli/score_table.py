"""The table that `keras-seq2seq evaluate` prints."""

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_seq2seq.evaluation import LOWER_IS_BETTER, MetricScore
from keras_seq2seq.wording import count

_LABELS = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "rouge_l": "ROUGE-L",
    "wer": "WER",
    "cer": "CER",
    "exact_match": "exact match",
}
_SIGNIFICANT = 0.05


def print_score_table(systems: dict[str, dict[str, MetricScore]], lines: int, file: TextIO):
    """Prints scores with one row per metric and one column per system.

    Args:
        systems: A dictionary from the name of each system to its scores by metric.
        lines: The number of lines that were evaluated.
        file: The file to print to.
    """
    # By default, rich wraps at 80 columns if the file is not a terminal.
    width = None if file.isatty() else 10_000
    console = Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True
    )
    first = next(iter(systems.values()))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for number, name in enumerate(systems):
        # Paths may be long and may contain brackets, which rich would interpret as markup.
        table.add_column(Text(name), justify="right", overflow="fold")
        if number:
            table.add_column("p", justify="right")
    for metric in first:
        cells = [_LABELS.get(metric, metric) + (" ↓" if metric in LOWER_IS_BETTER else "")]
        for number, scores in enumerate(systems.values()):
            cells.append(_describe_value(scores[metric]))
            if number:
                cells.append(_describe_p_value(scores[metric]))
        table.add_row(*cells)
    console.print(table)
    console.print(f"\n{count(lines, 'line')}; ↓ lower is better")
    if len(systems) > 1:
        console.print(
            "± 95 % confidence interval; p-value against the first system "
            f"(* p < {_SIGNIFICANT}); by paired bootstrap"
        )
    for metric, score in first.items():
        console.print(Text(f"{_LABELS.get(metric, metric)}: {score.signature}"))


def _describe_value(score: MetricScore) -> str:
    if score.confidence is None:
        return f"{score.value:.2f}"
    return f"{score.value:.2f} ± {score.confidence:.2f}"


def _describe_p_value(score: MetricScore) -> str:
    if score.p_value is None:
        return ""
    return f"{score.p_value:.3f}{'*' if score.p_value < _SIGNIFICANT else ' '}"
