"""Summaries as text and as HTML."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.numbers import percent

if TYPE_CHECKING:
    from wengert.explain.summaries.summary import LayerRow, ModelSummary

__all__ = ["as_html", "as_text", "short_bytes", "short_count"]

LEFT = 2  # columns of words
_STYLE = (
    ".wengert-summary{border-collapse:collapse;font:13px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}"
    ".wengert-summary :is(th,td){padding:3px 14px 3px 0;text-align:left;border-bottom:1px solid "
    "color-mix(in srgb,currentColor 15%,transparent);white-space:nowrap}"
    ".wengert-summary :is(th,td):nth-child(n+3){text-align:right}"
    ".wengert-summary th{font-weight:500;opacity:.7}"
    ".wengert-summary tfoot td{font-weight:600;border-top:1px solid currentColor;border-bottom:0}"
    ".wengert-summary code{opacity:.65;margin-right:.5em}"
    ".wengert-summary .bar{display:inline-block;height:.6em;margin-right:.5em;background:#2a5bd7;border-radius:2px}"
    ".wengert-summary tr.failed td{color:#d4570a;font-weight:600}"
)


def short_count(n: int) -> str:
    """A large number in three digits.

    Example:
        >>> short_count(999), short_count(10_163_200), short_count(3_500_000_000_000)
        ('999', '10.2 M', '3.5 T')
    """
    return _short(n, ("", " k", " M", " G", " T", " P")) if n >= 10_000 else f"{n:,}"


def short_bytes(n: int) -> str:
    """A size in memory, in thousands.

    Example:
        >>> short_bytes(102_400), short_bytes(17)
        ('102 kB', '17 B')
    """
    return _short(n, (" B", " kB", " MB", " GB", " TB", " PB"))


def _short(n: int, units: Sequence[str]) -> str:
    value, k = float(n), 0
    while value >= 999.5 and k + 1 < len(units):
        value, k = value / 1000, k + 1
    return f"{value:.3g}{units[k]}"


def title(s: ModelSummary) -> str:
    """The totals in one line."""
    remembered = f" and {s.remembered:,} remembered numbers" if s.remembered else ""
    on = f" on {', '.join(s.data)}" if s.data else ""
    return (
        f"{s.name}{on}: {s.learned:,} parameters{remembered}, {short_count(s.multiply_adds)} multiply-adds, "
        f"{short_bytes(s.kept)} kept for the backward pass"
    )


def _heads(s: ModelSummary, short: bool = False) -> list[str]:
    remembered = ["remembered"] if s.remembered else []
    names = ["params", *remembered, "mult-adds"] if short else ["parameters", *remembered, "multiply-adds"]
    return ["layer", "output", *names, "kept", "share"]


def _count(n: int, short: bool) -> str:
    """A number; what is 0 is left blank, so that the eye finds the rest."""
    return "" if not n else short_count(n) if short else f"{n:,}"


def _numbers(s: ModelSummary, row: LayerRow, short: bool = False) -> list[str]:
    """A row's numbers."""
    learned = "(again)" if row.again and not row.learned else _count(row.learned, short)
    remembered = [_count(row.remembered, short)] if s.remembered else []
    products = _count(row.multiply_adds, short)
    share = percent(s.share(row)) if s.share(row) and not row.looped else ""
    return [learned, *remembered, products, short_bytes(row.kept) if row.kept else "", share]


def _totals(s: ModelSummary, short: bool = False) -> list[str]:
    remembered = [_count(s.remembered, short)] if s.remembered else []
    numbers = [_count(s.learned, short), *remembered, _count(s.multiply_adds, short)]
    return ["total", "", *numbers, short_bytes(s.kept) if s.kept else "", ""]


def _places(s: ModelSummary) -> Iterator[str]:
    """The path of each row from the row around it."""
    around: list[str] = []
    for row in s.rows:
        del around[row.depth :]
        outer = around[-1] if around else ""
        yield row.path.removeprefix(outer).lstrip(".") if outer else row.path
        around.append(row.path)


def as_text(s: ModelSummary, width: int | None = None) -> str:
    """Columns, numbers set right; in a table too wide they are rounded, and then names give way."""
    width = width or shutil.get_terminal_size().columns
    rows = _rows(s, short=False)
    rows = rows if _width(rows) <= width else _rows(s, short=True)
    lines = [title(s), "", *_columns(rows, width)]
    lines += ["", *(f"  {note}" for note in s.notes)] if s.notes else []
    return "\n".join([*lines, *(["", str(s.failure)] if s.failure else [])])


def _rows(s: ModelSummary, short: bool) -> list[list[str]]:
    rows = [_heads(s, short)]
    for row, place in zip(s.rows, _places(s), strict=True):
        name = f"{'  ' * row.depth}{place + ' ' if place else ''}{row.name}{' (each turn)' if row.looped else ''}"
        output = row.output if row.shapes is not None else _unfinished(s, row)
        rows.append([name, output, *_numbers(s, row, short)])
    return [*rows, _totals(s, short)]


def _width(rows: Sequence[Sequence[str]]) -> int:
    return sum(2 + max(map(len, column)) for column in zip(*rows, strict=True))


def _unfinished(s: ModelSummary, row: LayerRow) -> str:
    return "✗ failed" if row is s.rows[_failed(s)] else ""


def _failed(s: ModelSummary) -> int:
    """The layer that failed: the last one that gave nothing."""
    return max(k for k, row in enumerate(s.rows) if row.shapes is None)


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = width - 2 * len(widths)
    while sum(widths) > room and widths[0] > 16:
        widths[0] -= 1
    lines: list[str] = []
    for row in rows:
        cells = [
            _cut(cell, n).ljust(n) if k < LEFT else cell.rjust(n)
            for k, (cell, n) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def as_html(s: ModelSummary) -> str:
    """A table for notebooks."""
    head = tag("tr", "".join(tag("th", escape(h), scope="col") for h in _heads(s)))
    body = "".join(_html_row(s, row, place) for row, place in zip(s.rows, _places(s), strict=True))
    foot = tag("tr", "".join(tag("td", escape(cell)) for cell in _totals(s)))
    table = tag("table", tag("caption", escape(title(s)), style="text-align:left;padding-bottom:6px")
                + tag("thead", head) + tag("tbody", body) + tag("tfoot", foot), class_="wengert-summary")  # fmt: skip
    notes = "".join(tag("p", escape(note)) for note in s.notes)
    failure = tag("pre", escape(s.failure), style="white-space:pre-wrap") if s.failure else ""
    return tag("style", _STYLE) + tag("div", table + notes + failure, style="overflow-x:auto")


def _html_row(s: ModelSummary, row: LayerRow, place: str) -> str:
    name = (tag("code", escape(place)) if place else "") + escape(row.name + (" (each turn)" if row.looped else ""))
    cells = [tag("td", name, style=f"padding-left:{1.4 * row.depth:.1f}em")]
    cells.append(tag("td", escape(row.output if row.shapes is not None else _unfinished(s, row))))
    *numbers, share = _numbers(s, row)
    cells += [tag("td", escape(cell)) for cell in numbers]
    bar = tag("span", "", class_="bar", style=f"width:{60 * s.share(row):.0f}px") if share else ""
    cells.append(tag("td", bar + escape(share)))
    failed = s.failure is not None and row.shapes is None and row is s.rows[_failed(s)]
    return tag("tr", "".join(cells), class_="failed" if failed else None)
