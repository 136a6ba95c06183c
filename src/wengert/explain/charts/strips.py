"""Heat strips: one row a layer, one column an epoch, a shade for the value."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wengert.explain.charts.elements import WIDTH, clip, color, escape, label, mix, picture, place, tag, text_width
from wengert.explain.charts.lines import Series
from wengert.explain.charts.numbers import Scale, finite, number

__all__ = ["Shades", "legend", "strip_chart"]

_LEVELS = 10  # of shade on either side: cells of one shade are one element
_MOST_COLUMNS = 96
_ROW = 22.0
_MOST_NAMED = 24  # rows with their names


@dataclass(frozen=True)
class Shades:
    """From values to shades: from ``low``, faint, to ``high``, full; or, with a ``middle``, to either side of it.

    With a middle the two hues are for what lies below and above. ``log`` goes by ratios.

    Example:
        >>> shades = Shades(0.0, 1.0)
        >>> shades.level(0.0), shades.level(0.5), shades.level(2.0)
        (0, 5, 10)
        >>> Shades(1e-5, 1e-1, log=True, middle=1e-3).level(1e-4)
        -5
    """

    low: float
    high: float
    log: bool = False
    middle: float | None = None
    hues: tuple[str, str] = ("line1", "line0")

    @staticmethod
    def fit(values: Iterable[float], *, log: bool = False, hues: tuple[str, str] = ("line1", "line0"),
            middle: float | None = None) -> Shades:  # fmt: skip
        """Shades that reach from the least to the greatest finite value, the same on both sides of a middle."""
        found = [v for v in finite(values) if v > 0 or not log] or [1.0]
        low, high = min(found), max(found)
        if middle is not None:
            reach = max(abs(low - middle), abs(high - middle)) or 1.0
            low, high = middle - reach, middle + reach
        return Shades(low, high, log, middle, hues)

    def level(self, value: float) -> int | None:
        """The shade's number, below 0 on the lower side of the middle; None for what has none."""
        if not math.isfinite(value) or (self.log and value < 0):
            return None
        # a gradient of exactly nought is fainter than any
        at = self._scaled(max(value, 5e-324) if self.log else value)
        low, high = self._scaled(self.low), self._scaled(self.high)
        if self.middle is None:
            share = (at - low) / (high - low) if high > low else 1.0
            return round(_LEVELS * min(max(share, 0.0), 1.0))
        middle = self._scaled(self.middle)
        share = (at - middle) / ((high - middle) or 1.0)
        return round(_LEVELS * min(max(share, -1.0), 1.0))

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def fill(self, level: int) -> str:
        """The colour of a shade."""
        share = abs(level) / _LEVELS
        if self.middle is None:
            return mix(0.05 + 0.95 * share, hue=self.hues[1])
        return mix(share, hue=self.hues[level > 0])


def strip_chart(
    name: str,
    title: str,
    xs: Sequence[float],
    series: Sequence[Series],
    shades: Shades,
    *,
    mark: float | None = None,
    show: Callable[[float], str] = number,
    x_name: str = "epoch",
) -> str:
    """One row of cells a series, one column an x, shaded by value; more than 96 columns are gathered by their medians.

    ``mark`` is one of the xs to point out. Cells without a finite value stay empty.

    Example:
        >>> from wengert.explain.charts import Series, Shades, strip_chart
        >>> strip_chart("dead", "Dead units", [1, 2], [Series("dense 1", [0.0, 0.25])], Shades(0.0, 1.0))[:4]
        '<svg'
    """
    bins = _bins(xs)
    rows = [[_median(s.values[b]) for b in bins] for s in series]
    names = [clip(s.name, 22) for s in series]
    left = 10 + max((text_width(n) for n in names), default=0)
    row = min(_ROW, 24 * _ROW / max(len(series), 1))
    top, width = 30.0, WIDTH - left - 2
    cell, bottom = width / max(len(bins), 1), 30.0 + row * len(series)
    parts = [
        legend(shades, show, WIDTH - 2),
        _cells(rows, shades, (left, top, cell, row)),
        _names(names, left, top, row),
        _axis(xs, bins, (left, bottom, cell), x_name),
        _marked(xs, bins, mark, (left, top, cell), bottom),
        _told(xs, bins, rows, series, (left, top, cell), (bottom - top, x_name, show)),
    ]
    return picture(name, title, _words(series, show), WIDTH, bottom + 40, "".join(parts))


def legend(shades: Shades, show: Callable[[float], str], right: float) -> str:
    """What the shades mean: a row of them with the values at its ends, and in the middle."""
    levels = range(0 if shades.middle is None else -_LEVELS, _LEVELS + 1)
    size = 108 / len(levels)
    end = right - text_width(show(shades.high)) - 6
    start = end - 108
    swatches = "".join(
        tag("rect", None, x=start + k * size, y=4, width=size + 0.4, height=9, fill=shades.fill(level))
        for k, level in enumerate(levels)
    )
    texts = [label(start - 6, 12.5, show(shades.low), "end"), label(end + 6, 12.5, show(shades.high))]
    if shades.middle is not None:
        texts.append(label(start + 54, 25, show(shades.middle), "middle", font_size=11))
    frame = tag("rect", None, x=start, y=4, width=108, height=9, fill="none", stroke=color("rule"))
    return swatches + frame + "".join(texts)


def _bins(xs: Sequence[float]) -> list[slice]:
    size = math.ceil(len(xs) / _MOST_COLUMNS) or 1
    return [slice(start, min(start + size, len(xs))) for start in range(0, len(xs), size)]


def _median(values: Sequence[float]) -> float:
    good = sorted(float(v) for v in values if math.isfinite(v))
    return good[len(good) // 2] if good else math.nan


_Place = tuple[float, float, float]


def _cells(rows: list[list[float]], shades: Shades, at: tuple[float, float, float, float]) -> str:
    left, top, cell, row = at
    paths: defaultdict[int, list[str]] = defaultdict(list)
    gap = 1.0 if cell > 4 else 0.0
    for i, values in enumerate(rows):
        for k, value in enumerate(values):
            if (level := shades.level(value)) is not None:
                corner, wide = f"{left + k * cell:.2f} {place(top + i * row + 1)}", f"{cell - gap:.2f}"
                paths[level].append(f"M{corner}h{wide}v{place(row - 2)}h-{wide}z")
    ground = tag("rect", None, x=left, y=top, width=cell * len(rows[0]) if rows else 0, height=row * len(rows),
                 fill=mix(0.5, hue="rule"))  # fmt: skip
    return ground + "".join(
        tag("path", None, d="".join(boxes), fill=shades.fill(level)) for level, boxes in sorted(paths.items())
    )


def _names(names: Sequence[str], left: float, top: float, row: float) -> str:
    step = math.ceil(len(names) / _MOST_NAMED)
    return "".join(
        label(left - 8, top + (i + 0.5) * row + 4, names[i], "end", fill=color("ink"))
        for i in range(0, len(names), step)
    )


def _axis(xs: Sequence[float], bins: Sequence[slice], at: _Place, x_name: str) -> str:
    left, bottom, cell = at
    if not bins:
        return ""
    middles = [left + (k + 0.5) * cell for k in range(len(bins))]
    marks = Scale.fit([xs[0], xs[-1]], 0, 1, whole=True, room=0, marks=6).marks
    shown = {m: k for m in marks for k, b in enumerate(bins) if xs[b.start] <= m <= xs[b.stop - 1]} or {xs[0]: 0}
    texts = [label(middles[k], bottom + 16, number(m), "middle") for m, k in shown.items()]
    return "".join(texts) + label((left + WIDTH) / 2, bottom + 33, x_name, "middle")


def _marked(xs: Sequence[float], bins: Sequence[slice], mark: float | None, at: _Place, bottom: float) -> str:
    if mark is None or mark not in xs:
        return ""
    left, top, cell = at
    index = list(xs).index(mark)
    column = next(k for k, b in enumerate(bins) if b.start <= index < b.stop)
    x = left + (column + 0.5) * cell
    tip = f"M{place(x - 4)} {place(top - 7)}h8l-4 6z"
    words = tag("title", escape(f"best {number(mark)}"))
    line = tag("path", None, d=f"M{place(x)} {place(top)}V{place(bottom)}", stroke=color("ink"), stroke_opacity=0.45,
               stroke_dasharray="2 3")  # fmt: skip
    return line + tag("path", words, d=tip, fill=color("soft"))


def _told(xs: Sequence[float], bins: Sequence[slice], rows: list[list[float]], series: Sequence[Series], at: _Place,
          shape: tuple[float, str, Callable[[float], str]]) -> str:  # fmt: skip
    """Invisible columns that tell the values of their epoch."""
    left, top, cell = at
    height, x_name, show = shape
    parts: list[str] = []
    for k, b in enumerate(bins):
        until = f"–{number(xs[b.stop - 1])}" if b.stop - b.start > 1 else ""
        lines = [f"{x_name} {number(xs[b.start])}{until}"]
        lines += [f"{s.name}: {show(r[k])}" for s, r in zip(series[:12], rows, strict=False)]
        words = tag("title", escape("\n".join(lines)))
        parts.append(tag("rect", words, x=left + k * cell, y=top, width=cell, height=height))
    return tag("g", "".join(parts), class_="hover", fill=color("ink"), fill_opacity=0)


def _words(series: Sequence[Series], show: Callable[[float], str]) -> str:
    words = [
        f"{s.name} goes from {show(ends[0])} to {show(ends[-1])}" if (ends := finite(s.values)) else f"{s.name} unknown"
        for s in series[:12]
    ]
    return "; ".join(words) + "."
