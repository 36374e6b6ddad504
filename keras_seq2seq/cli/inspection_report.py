"""The report that `keras-seq2seq inspect` prints."""

import re
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from keras_seq2seq.data.inspection import Inspection, PaddingEstimate
from keras_seq2seq.data.inspection_tables import (
    ReportTable,
    describe_pair,
    inspection_excerpts,
    inspection_tables,
)
from keras_seq2seq.wording import visible


def print_inspection(report: Inspection, padding: Sequence[PaddingEstimate], file: TextIO):
    """Prints an inspection as tables, in the width of the terminal.

    Args:
        report: The `Inspection`.
        padding: The padding of different buckets.
        file: The file to print to. If it is not a terminal, the width is 80 columns.
    """
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    for side, inspection in (("source", report.source), ("target", report.target)):
        console.print(Text(f"{side}: {visible(inspection.name)}", overflow="fold"))
    for table in inspection_tables(report, padding):
        _print_title(table.title, console)
        console.print(_make_table(table))
        for line in table.note.splitlines():
            console.print(Text(line, style="dim", overflow="fold"))
        for flag in table.flags:
            for line in _wrap_flag(flag, console.width):
                console.print(Text(line, style="dim", overflow="fold"))
    for title, pairs in inspection_excerpts(report):
        _print_title(title, console)
        for pair in pairs:
            console.print(Text(describe_pair(pair), overflow="fold"))
            for line in (pair.source, pair.target):
                text = Text(f"  {visible(line)}", style="dim")
                console.print(text, no_wrap=True, overflow="ellipsis")


def _wrap_flag(flag: str, width: int) -> list[str]:
    """Breaks a long flag after commas, with backslashes, so that it can be copied to a shell."""
    lines = [""]
    for item in re.split("(?<=,)", flag):
        if lines[-1] and len(lines[-1]) + len(item) >= width:
            lines.append("")
        lines[-1] += item
    return [f"{line}\\" for line in lines[:-1]] + lines[-1:]


def _print_title(title: str, console: Console):
    console.print()
    console.print(Text(title, style="bold"))


def _make_table(report: ReportTable) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(report.header):
        justify = "left" if number in report.text_columns else "right"
        table.add_column(Text(name), justify=justify, overflow="fold")
    for row in report.rows:
        table.add_row(*map(Text, row))
    return table
