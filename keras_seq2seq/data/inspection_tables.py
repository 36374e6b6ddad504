"""The tables of an inspection, for both the terminal and the HTML page."""

import os
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from keras_seq2seq.data.inspection import RARE_BELOW, Inspection, PaddingEstimate, PairExcerpt
from keras_seq2seq.wording import visible

PADDING_TITLE = "Padding"

# Scripts and kinds of characters with a smaller share on both sides are not shown.
_SMALLEST_SHARE = 0.0005


class ReportTable(NamedTuple):
    """A table of a report.

    Attributes:
        title: The title.
        header: The names of the columns.
        rows: The cells of each row, without invisible characters.
        note: Explanations, one per line, or an empty string.
        text_columns: The indices of the columns that contain text rather than numbers.
        flags: Flags of `train` to copy, each after a name.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    text_columns: tuple[int, ...] = (0,)
    flags: tuple[str, ...] = ()


class ReportExcerpts(NamedTuple):
    """A list of pairs of a report.

    Attributes:
        title: The title.
        pairs: The pairs.
    """

    title: str
    pairs: list[PairExcerpt]


def inspection_tables(
    report: Inspection, padding: Sequence[PaddingEstimate] = ()
) -> list[ReportTable]:
    """Returns the tables of an inspection. Tables without rows are omitted.

    Args:
        report: The `Inspection`.
        padding: The padding of different buckets.
    """
    tables = [
        _pairs_table(report),
        _text_table(report),
        _padding_table(padding),
        _unknown_table(report),
        _characters_table(report),
        _unusual_table(report),
    ]
    return [table for table in tables if table.rows]


def inspection_excerpts(report: Inspection) -> list[ReportExcerpts]:
    """Returns the lists of pairs of an inspection. Empty lists are omitted."""
    lists = [
        ReportExcerpts("Longest pairs", report.longest),
        ReportExcerpts("Largest length ratios", report.unbalanced),
        ReportExcerpts("Most unknown tokens", report.most_unknown),
    ]
    return [excerpts for excerpts in lists if excerpts.pairs]


def describe_pair(pair: PairExcerpt) -> str:
    """Returns the place and lengths, such as "train.en:7: 12 and 15 tokens, 2 unknown"."""
    place = visible(os.path.basename(pair.place))
    text = f"{place}: {pair.source_length:,} and {pair.target_length:,} tokens"
    return f"{text}, {pair.unknown_tokens:,} unknown" if pair.unknown_tokens else text


def _share(number: int, total: int) -> str:
    return f"{number / total:.1%}"


def _pairs_table(report: Inspection) -> ReportTable:
    about = "" if report.duplicates_are_exact else "about "
    lines = report.lines + sum(report.dropped.values())
    rows = [
        ("lines", f"{lines:,}", ""),
        ("empty source", f"{report.empty_sources:,}", _share(report.empty_sources, lines)),
        ("empty target", f"{report.empty_targets:,}", _share(report.empty_targets, lines)),
        *(
            (f"excluded: {reason}", f"{number:,}", _share(number, lines))
            for reason, number in report.dropped.items()
        ),
        ("usable pairs", f"{report.pairs:,}", _share(report.pairs, lines)),
        (
            "duplicate pairs",
            f"{about}{report.duplicates:,}",
            _share(report.duplicates, report.pairs),
        ),
        ("identical sides", f"{report.identical:,}", _share(report.identical, report.pairs)),
    ]
    rows += [
        ("mean length ratio", f"{report.mean_ratio:.2f}", ""),
        *(
            (_percentile_name(percent, "length ratio"), f"{ratio:.3g}", "")
            for percent, ratio in report.ratio_percentiles.items()
        ),
    ]
    notes = [
        *_list_places("Empty", report.empty_places, report.empty_pairs),
        *_list_places("Identical", report.identical_places, report.identical),
    ]
    ratio = "The length ratio is the number of target tokens per source token."
    return ReportTable("Pairs", ("", "number", "share"), rows, "\n".join([ratio, *notes]))


def _percentile_name(percent: int, quantity: str) -> str:
    if percent == 50:
        return f"median {quantity}"
    return f"{percent}{'st' if percent == 1 else 'th'} percentile"


def _list_places(name: str, places: list[str], total: int) -> list[str]:
    if not places:
        return []
    more = ", ..." if total > len(places) else ""
    return [f"{name}: {visible(', '.join(map(os.path.basename, places)))}{more}"]


def _text_table(report: Inspection) -> ReportTable:
    sides = report.source, report.target
    rows = [
        ("tokenizer", *(visible(side.tokenizer) for side in sides)),
        ("tokens", *(f"{side.tokens:,}" for side in sides)),
        ("characters", *(f"{side.characters:,}" for side in sides)),
        ("mean length", *(f"{side.mean_length:.1f}" for side in sides)),
        *(
            (
                _percentile_name(percent, "length"),
                *(f"{side.percentiles[percent]:,}" for side in sides),
            )
            for percent in report.source.percentiles
        ),
        ("longest", *(f"{side.longest:,}" for side in sides)),
        ("maximum length", *(f"{side.max_length:,}" for side in sides)),
        ("truncated", *(_with_share(side.truncated, report.pairs) for side in sides)),
    ]
    if any(side.vocabulary_size is not None for side in sides):
        rows += [
            ("unknown tokens", *(_with_share(side.unknown_tokens, side.tokens) for side in sides)),
            ("vocabulary", *(_number(side.vocabulary_size) for side in sides)),
            ("used in the text", *(_with_share(s.used, s.vocabulary_size) for s in sides)),
            (
                f"rare (1 to {RARE_BELOW - 1} times)",
                *(_with_share(side.rare, side.vocabulary_size) for side in sides),
            ),
        ]
    rows += [
        ("duplicate lines", *(_with_share(side.duplicates, report.pairs) for side in sides)),
        ("not in Unicode NFC", *(_with_share(s.not_normalized, report.pairs) for s in sides)),
    ]
    return ReportTable(
        "Text",
        ("", "source", "target"),
        rows,
        "Lengths are in tokens and include the end token.",
    )


def _number(number: int | None) -> str:
    return "none" if number is None else f"{number:,}"


def _with_share(number: int | None, total: int | None) -> str:
    return "" if number is None else f"{number:,} ({number / max(total, 1):.1%})"


def _padding_table(padding: Sequence[PaddingEstimate]) -> ReportTable:
    rows = [
        (
            estimate.name,
            f"{len(estimate.buckets) + 1:,}",
            f"{estimate.source:.1%}",
            f"{estimate.target:.1%}",
        )
        for estimate in padding
    ]
    flags = tuple(f"{estimate.name}: {estimate.flag()}" for estimate in padding if estimate.buckets)
    return ReportTable(PADDING_TITLE, ("", "buckets", "source", "target"), rows, flags=flags)


def _unknown_table(report: Inspection) -> ReportTable:
    columns = [
        [(visible(_shorten(token)), f"{number:,}") for token, number in side.frequent_unknown]
        for side in (report.source, report.target)
    ]
    rows = [(*source, *target) for source, target in zip_longest(*columns, fillvalue=("", ""))]
    header = ("source", "count", "target", "count")
    return ReportTable("Most frequent unknown tokens", header, rows, text_columns=(0, 2))


def _shorten(token: str) -> str:
    return token if len(token) <= 20 else f"{token[:19]}…"


def _characters_table(report: Inspection) -> ReportTable:
    sides = report.source, report.target
    shares = {
        group: [side.groups.get(group, 0) / side.characters for side in sides]
        for group in {**report.source.groups, **report.target.groups}
    }
    rows = [
        (group, *(f"{share:.1%}" for share in values))
        for group, values in sorted(shares.items(), key=lambda item: -sum(item[1]))
        if max(values) >= _SMALLEST_SHARE
    ]
    return ReportTable("Characters", ("", "source", "target"), rows)


def _unusual_table(report: Inspection) -> ReportTable:
    sides = report.source.unusual, report.target.unusual
    rows = [
        (name, *(f"{side.get(name, 0):,}" for side in sides)) for name in {**sides[0], **sides[1]}
    ]
    return ReportTable("Unusual characters", ("", "source", "target"), rows)
