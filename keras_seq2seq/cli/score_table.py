"""The table that `keras-seq2seq evaluate` prints."""

from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_seq2seq.evaluation import LOWER_IS_BETTER, MetricScore

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
    "per": "PER",
    "sequence_error": "sequence error",
    "comet": "COMET",
}
_SIGNIFICANT = 0.05


def print_score_table(systems: dict[str, dict[str, MetricScore]], lines: str, file: TextIO):
    """Prints scores with one row per metric and one column per system.

    If the terminal is too narrow for all columns, one table per system is printed.

    Args:
        systems: A dictionary from the name of each system to its scores by metric.
        lines: What was evaluated, such as "3 lines".
        file: The file to print to.
    """
    # By default, rich wraps at 80 columns if the file is not a terminal.
    width = None if file.isatty() else 10_000
    console = Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True
    )
    first = next(iter(systems.values()))
    table = _make_table(systems)
    # Measured without the limit of the terminal.
    needed = console.measure(table, options=console.options.update(width=10_000)).maximum
    if needed <= console.width:
        console.print(table)
    else:
        for number, (name, scores) in enumerate(systems.items()):
            console.print(Text(f"\n{name}" if number else name))
            table = _make_table({"": scores}, with_p_values=number > 0)
            table.show_header = number > 0
            console.print(table)
    console.print(f"\n{lines}; ↓ lower is better")
    if len(systems) > 1:
        console.print(
            "± 95 % confidence interval; p-value against the first system "
            f"(* p < {_SIGNIFICANT}); by paired bootstrap",
            soft_wrap=False,
        )
    for metric, score in first.items():
        console.print(Text(f"{_LABELS.get(metric, metric)}: {score.signature}"))


def _make_table(systems: dict[str, dict[str, MetricScore]], with_p_values: bool = False) -> Table:
    """Returns a table of systems.

    Args:
        systems: The scores by system and metric.
        with_p_values: Whether the first system has a column of p-values too.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    has_p_values = [with_p_values or number > 0 for number in range(len(systems))]
    for name, has_p_value in zip(systems, has_p_values, strict=True):
        # Paths may be long and may contain brackets, which rich would interpret as markup.
        table.add_column(Text(name), justify="right", no_wrap=True)
        if has_p_value:
            table.add_column("p", justify="right")
    for metric in next(iter(systems.values())):
        cells = [_LABELS.get(metric, metric) + (" ↓" if metric in LOWER_IS_BETTER else "")]
        for scores, has_p_value in zip(systems.values(), has_p_values, strict=True):
            cells.append(_describe_value(scores[metric]))
            if has_p_value:
                cells.append(_describe_p_value(scores[metric]))
        table.add_row(*cells)
    return table


def _describe_value(score: MetricScore) -> str:
    if score.confidence is None:
        return f"{score.value:.2f}"
    return f"{score.value:.2f} ± {score.confidence:.2f}"


def _describe_p_value(score: MetricScore) -> str:
    if score.p_value is None:
        return ""
    return f"{score.p_value:.3f}{'*' if score.p_value < _SIGNIFICANT else ' '}"
