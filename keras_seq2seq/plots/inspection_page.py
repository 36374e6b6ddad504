"""The statistics of parallel text as an HTML page."""

import html
import math
import os
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from keras_seq2seq.data.inspection import Inspection, PaddingEstimate, SideInspection
from keras_seq2seq.data.inspection_tables import (
    PADDING_TITLE,
    ReportExcerpts,
    ReportTable,
    describe_pair,
    inspection_excerpts,
    inspection_tables,
)
from keras_seq2seq.data.text_statistics import percentile
from keras_seq2seq.plots.html_page import fill_template, read_template
from keras_seq2seq.plots.svg_charts import Bar, bar_chart, heat_map, histogram
from keras_seq2seq.wording import visible

_MAX_BARS = 40

# Longer sequences are in the last bar.
_SHOWN_FRACTION = 0.998

# Bars of length ratios span these fractions of a doubling, up to factors of 8.
_RATIO_STEPS, _RATIO_DOUBLINGS = 4, 3

_KEY = (
    '<span class="key source"></span> source <span class="key target"></span> target, '
    "fraction of positions that are padding"
)


def write_inspection_page(
    file: TextIO, report: Inspection, padding: Sequence[PaddingEstimate] = ()
):
    """Writes the statistics of parallel text as a self-contained HTML page.

    The page shows plots of lengths, length ratios and padding, and the tables that
    `keras-seq2seq inspect` prints. It contains no scripts. All text is escaped, and invisible
    characters are shown as code points, such as `<U+202E>`.

    Args:
        file: A text file to write to, with encoding UTF-8.
        report: The result of `inspect_pairs`.
        padding: The padding of different buckets.

    Example:
        >>> report = inspect_pairs("train.en", "train.de")
        >>> with open("report.html", "w", encoding="utf-8") as file:
        ...     write_inspection_page(file, report)
    """
    names = [visible(side.name) for side in (report.source, report.target)]
    short = [os.path.basename(name) for name in names]
    fields = {
        "title": html.escape(" and ".join(dict.fromkeys(short))),
        "files": " → ".join(f"<bdi>{html.escape(name)}</bdi>" for name in names),
        "charts": "\n".join(_charts(report)),
        "tables": "\n".join(
            _table(table, _padding_chart(padding) if table.title == PADDING_TITLE else "")
            for table in inspection_tables(report, padding)
        ),
        "excerpts": "\n".join(map(_excerpts, inspection_excerpts(report))),
    }
    template = read_template("keras_seq2seq.plots", "inspection_page.html")
    file.write(fill_template(template, fields))


def _charts(report: Inspection) -> list[str]:
    step = _bin_size(report.source, report.target)
    charts = []
    for kind, side in (("source", report.source), ("target", report.target)):
        bars, marker = _length_bars(side, step)
        title = f"{kind.capitalize()} lengths"
        note = "" if marker is None else f"The line marks the maximum length, {side.max_length}."
        chart = histogram(bars, title, "length in tokens", kind, marker)
        charts.append(_section(title, chart, note))
    chart = histogram(_ratio_bars(report), "Length ratios", "target tokens per source token")
    return [
        *charts,
        _section("Length ratios", chart),
        _section("Lengths of both sides", _length_map(report), "After truncation."),
    ]


def _padding_chart(padding: Sequence[PaddingEstimate]) -> str:
    rows = {estimate.name: (estimate.source, estimate.target) for estimate in padding}
    return f'{bar_chart(rows, "Padding of different buckets")}<p class="quiet">{_KEY}</p>'


def _bin_size(*sides: SideInspection) -> int:
    """Returns the number of lengths per bar, chosen so that no side needs too many bars."""
    longest = max(percentile(side.lengths, _SHOWN_FRACTION) for side in sides)
    return math.ceil(longest / _MAX_BARS)


def _length_bars(side: SideInspection, step: int) -> tuple[list[Bar], int | None]:
    """Returns the bars, and the index of the first one that is truncated, if it is shown."""
    last = math.ceil(percentile(side.lengths, _SHOWN_FRACTION) / step)
    counts = Counter()
    for length, count in side.lengths.items():
        counts[min((length - 1) // step, last)] += count
    has_more = counts[last] > 0
    every = max((last + 1) // 6, 1)
    bars = []
    for index in range(last + has_more):
        first, end = index * step + 1, (index + 1) * step
        label = str(first) if step == 1 else f"{first} to {end}"
        if index == last:
            label = f"{first} or more"
        bars.append(Bar(f"length {label}", counts[index], "" if index % every else str(first)))
    # Truncation starts after the maximum length.
    marker = side.max_length // step
    return bars, marker if marker <= len(bars) else None


def _length_map(report: Inspection) -> str:
    longest = [max(lengths) for lengths in zip(*report.lengths, strict=True)]
    step = math.ceil(max(longest) / _MAX_BARS)
    cells = Counter()
    for (source, target), count in report.lengths.items():
        cells[(source - 1) // step, (target - 1) // step] += count
    size = tuple((length - 1) // step + 1 for length in longest)
    return heat_map(cells, size, step, "Numbers of pairs by source and target length")


def _ratio_bars(report: Inspection) -> list[Bar]:
    limit = _RATIO_STEPS * _RATIO_DOUBLINGS
    counts = Counter()
    for ratio, count in report.ratios.items():
        index = round(_RATIO_STEPS * math.log2(ratio))
        counts[max(-limit, min(index, limit))] += count
    bars = []
    for index in range(-limit, limit + 1):
        ratio = 2 ** (index / _RATIO_STEPS)
        more = " or less" if index == -limit else " or more" if index == limit else ""
        tick = f"{ratio:.3g}" if index % _RATIO_STEPS == 0 else ""
        bars.append(Bar(f"about {ratio:.2f}{more}", counts[index], tick))
    return bars


def _section(title: str, chart: str, note: str = "") -> str:
    return f'<section><h2>{title}</h2>{chart}<p class="quiet">{note}</p></section>'


def _table(table: ReportTable, chart: str) -> str:
    def cells(row: Sequence[str], kind: str) -> str:
        return "".join(
            f"<{kind}><bdi>{html.escape(cell)}</bdi></{kind}>"
            if index in table.text_columns
            else f'<{kind} class="number">{html.escape(cell)}</{kind}>'
            for index, cell in enumerate(row)
        )

    title = html.escape(table.title)
    rows = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    lines = [*table.note.splitlines(), *table.flags]
    notes = "".join(f'<p class="quiet">{html.escape(line)}</p>' for line in lines)
    # Scrollable regions are focusable, so that they can be scrolled with the keyboard.
    return (
        f'<section><h2>{title}</h2>{chart}<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{title}"><table><thead><tr>{cells(table.header, "th")}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{notes}</section>"
    )


def _excerpts(excerpts: ReportExcerpts) -> str:
    items = "".join(
        f"<li><span>{html.escape(describe_pair(pair))}</span>"
        + "".join(
            f'<bdi dir="auto">{html.escape(visible(line))}</bdi>'
            for line in (pair.source, pair.target)
        )
        + "</li>"
        for pair in excerpts.pairs
    )
    return f'<section class="wide"><h2>{html.escape(excerpts.title)}</h2><ol>{items}</ol></section>'
