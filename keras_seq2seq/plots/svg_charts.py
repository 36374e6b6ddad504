"""Charts as SVG elements for HTML pages, without scripts. Colors are set by the page."""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_WIDTH, _HEIGHT = 420, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 40


class Bar(NamedTuple):
    """A bar of a histogram.

    Attributes:
        label: The name of the bin, for the description of the bar.
        count: The height.
        tick: The label below the left edge of the bar, or an empty string.
    """

    label: str
    count: int
    tick: str = ""


def histogram(
    bars: Sequence[Bar], title: str, axis: str, kind: str = "source", marker: int | None = None
) -> str:
    """Returns a histogram.

    Args:
        bars: The bars, from left to right.
        title: Description of the chart for screen readers.
        axis: Label of the horizontal axis.
        kind: "source" or "target", the color.
        marker: Index of the bar whose left edge is marked with a vertical line.
    """
    top = max((bar.count for bar in bars), default=0) or 1
    width = (_WIDTH - _LEFT - _RIGHT) / len(bars)
    height = _HEIGHT - _TOP - _BOTTOM
    parts = [_grid(top, height)]
    for index, bar in enumerate(bars):
        x, size = _LEFT + index * width, bar.count / top * height
        parts.append(
            f'<rect class="bar {kind}" x="{x + 0.5:.1f}" y="{_TOP + height - size:.1f}" '
            f'width="{max(width - 1, 0.5):.1f}" height="{size:.1f}">'
            f"<title>{html.escape(bar.label)}: {bar.count:,}</title></rect>"
        )
        if bar.tick:
            parts.append(_text(x, _HEIGHT - _BOTTOM + 17, bar.tick, "middle"))
    if marker is not None:
        x = _LEFT + marker * width
        parts.append(f'<path class="marker" d="M{x:.1f} {_TOP - 6}v{height + 6}"/>')
    parts.append(_text((_LEFT + _WIDTH) / 2, _HEIGHT - 5, axis, "middle", "axis-title"))
    return _svg(parts, title, _HEIGHT)


def bar_chart(rows: Mapping[str, tuple[float, float]], title: str) -> str:
    """Returns horizontal bars of fractions, two for each row.

    Args:
        rows: Fractions of source and target, from 0 to 1, by the name of the row.
        title: Description of the chart for screen readers.
    """
    left, right, step = 82, 52, 52
    scale = (_WIDTH - left - right) / (max(map(max, rows.values()), default=0) or 1)
    parts = []
    for index, (name, values) in enumerate(rows.items()):
        y = 8 + index * step
        parts.append(_text(left - 8, y + 22, name, "end"))
        for kind, value in zip(("source", "target"), values, strict=True):
            parts.append(
                f'<rect class="bar {kind}" x="{left}" y="{y}" width="{value * scale:.1f}" '
                f'height="15"><title>{html.escape(name)}, {kind}: {value:.1%}</title></rect>'
            )
            parts.append(_text(left + value * scale + 6, y + 12, f"{value:.1%}", "start"))
            y += 18
    return _svg(parts, title, 8 + len(rows) * step)


def heat_map(cells: Mapping[tuple[int, int], int], size: tuple[int, int], step: int, title: str):
    """Returns a map of the numbers of pairs by their lengths.

    Args:
        cells: Number of pairs by column and row.
        size: Number of columns and rows.
        step: Number of lengths in each column and row.
        title: Description of the chart for screen readers.
    """
    height = 330
    right, bottom = _WIDTH - _RIGHT, height - _BOTTOM
    width, row_height = (right - _LEFT) / size[0], (bottom - _TOP) / size[1]
    top = max(cells.values(), default=1)
    parts = [f'<path class="grid" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>']
    for (column, row), count in cells.items():
        x, y = _LEFT + column * width, bottom - (row + 1) * row_height
        # The square root keeps rare lengths visible.
        parts.append(
            f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" '
            f'height="{row_height:.2f}" opacity="{0.12 + 0.88 * (count / top) ** 0.5:.2f}">'
            f"<title>source {_span(column, step)}, target {_span(row, step)}: {count:,}</title>"
            "</rect>"
        )
    for column in range(0, size[0], max(size[0] // 5, 1)):
        x = _LEFT + column * width
        parts.append(_text(x, bottom + 17, str(column * step + 1), "middle"))
    for row in range(0, size[1], max(size[1] // 5, 1)):
        y = bottom - row * row_height
        parts.append(_text(_LEFT - 7, y + 1, str(row * step + 1), "end"))
    parts.append(_text((_LEFT + right) / 2, height - 5, "source length", "middle", "axis-title"))
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<text class="axis-title" text-anchor="middle" transform="translate(12 {middle}) '
        'rotate(-90)">target length</text>'
    )
    return _svg(parts, title, height)


def _span(index: int, step: int) -> str:
    first, last = index * step + 1, (index + 1) * step
    return str(first) if first == last else f"{first} to {last}"


def _grid(top: int, height: float) -> str:
    parts = []
    for share in (0, 0.5, 1):
        y = _TOP + height * (1 - share)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 6, y + 4, _short(share * top), "end"))
    return "".join(parts)


def _short(number: float) -> str:
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.3g}"


def _text(x: float, y: float, text: str, anchor: str, name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _svg(parts: Sequence[str], title: str, height: int) -> str:
    label = html.escape(title, quote=True)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}">'
        f"{''.join(parts)}</svg>"
    )
