"""Bars: amounts by name, and how values are distributed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.explain.charts.elements import (
    WIDTH,
    Frame,
    clip,
    color,
    escape,
    label,
    mix,
    picture,
    place,
    tag,
    text_width,
)
from wengert.explain.charts.numbers import HUGE, Scale, count, number

__all__ = ["bar_chart", "histogram"]

_MOST_BARS = 24
_ROW = 24


def bar_chart(name: str, title: str, names: Sequence[str], amounts: Sequence[float], *, unit: str = "") -> str:
    """Horizontal bars, one a name, with the amount at the end of each; of more than 24 the largest are shown.

    Example:
        >>> from wengert.explain.charts import bar_chart
        >>> ">malignant<" in bar_chart("classes", "Classes", ["malignant", "benign"], [212, 357])
        True
    """
    rows = [(clip(n, 24), n, a) for n, a in zip(names, amounts, strict=True)]
    if len(rows) > _MOST_BARS:
        rows = sorted(rows, key=lambda row: -row[2])[:_MOST_BARS]
    left = 12 + max((text_width(shown) for shown, _, _ in rows), default=0)
    right = WIDTH - 14 - max((text_width(number(a)) for _, _, a in rows), default=0)
    longest = max((a for _, _, a in rows if math.isfinite(a)), default=0) or 1.0
    parts: list[str] = []
    for k, (shown, full, amount) in enumerate(rows):
        y, end = 6 + k * _ROW, left + max(amount, 0.0) / longest * (right - left)
        words = tag("title", escape(f"{full}: {number(amount)} {unit}".rstrip()))
        parts += [
            label(left - 8, y + 15, shown, "end", fill=color("ink")),
            tag(
                "rect",
                words,
                x=left,
                y=y + 3,
                width=max(end - left, 1.0),
                height=16,
                rx=2,
                fill=color("line0"),
            ),
            label(end + 6, y + 15, number(amount)),
        ]
    height = 12 + _ROW * max(len(rows), 1)
    if len(names) > len(rows):
        parts.append(label(left, height + 8, f"and {count(len(names) - len(rows))} more, none of them larger"))
        height += 18
    words = f"{count(len(names), 'bar')}" + (f", the longest {rows[0][1]}." if len(names) > len(rows) else ".")
    return picture(name, title, words, WIDTH, height, "".join(parts))


def histogram(
    name: str,
    title: str,
    values: ArrayLike,
    *,
    x_name: str = "",
    y_name: str = "rows",
    zero: bool = False,
    height: int = 300,
) -> str:
    """How many values lie in each of a row of equal bins; ``zero`` draws a line at nought.

    A few values far from all others do not squeeze the rest: they are counted in the last bin on their
    side, and the name of the axis says how many.

    Example:
        >>> from wengert.explain.charts import histogram
        >>> histogram("errors", "Errors", [0.1, -0.2, 0.0], x_name="error", zero=True)[:4]
        '<svg'
    """
    found = np.asarray(values, float).ravel()
    found = found[np.abs(found) < HUGE]  # neither NaN nor infinite, and with differences
    edges = _edges(found)
    heights = np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0]
    y = Scale.fit([0.0, float(heights.max(initial=1))], height - 46, 30, whole=True)
    left = 14 + max(text_width(y.label(m)) for m in y.marks)
    x = Scale.fit(edges.tolist(), left, WIDTH - 14, room=0)
    beyond = int(np.count_nonzero((found < edges[0]) | (found > edges[-1])))
    if beyond:
        x_name += f" ({count(beyond)} beyond the ends, in the last bars)"
    frame = Frame(x, y, x_name, y_name)
    body = frame.axes() + _blocks(frame, edges, heights) + (_nought(frame) if zero else "")
    return picture(name, title, _histogram_words(found), WIDTH, height, body)


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The edges of bins of a round width (Freedman and Diaconis, 1981) over all but far outliers."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    quarter, reach = (float(np.subtract(*np.percentile(values, [p, 100 - p]))) for p in (75, 99))
    if reach > 0:
        middle = float(np.median(values))
        low, high = max(low, middle - 1.5 * reach), min(high, middle + 1.5 * reach)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(low) / 100 or 0.5
        return np.array([low - room, low + room])
    width = 2 * quarter / len(values) ** (1 / 3)
    bins = min(40, max(8, math.ceil((high - low) / width))) if width > 0 else 20
    step = Scale.fit([low, high], 0, 1, marks=bins).marks
    size = (step[1] - step[0]) if len(step) > 1 else high - low
    return np.arange(math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9) + 1) * size


def _blocks(frame: Frame, edges: NDArray[np.float64], heights: NDArray[np.int64]) -> str:
    parts: list[str] = []
    for low, high, held in zip(edges[:-1], edges[1:], heights.tolist(), strict=True):
        if not held:
            continue
        start, stop, top = frame.x(low), frame.x(high), frame.y(held)
        words = tag("title", escape(f"{number(low)} to {number(high)}: {count(held)}"))
        width = max(stop - start - 1, 0.5)
        parts.append(tag("rect", words, x=start + 0.5, y=top, width=width, height=frame.y.start - top))
    return tag("g", "".join(parts), fill=mix(0.85))


def _nought(frame: Frame) -> str:
    if not frame.x.low <= 0 <= frame.x.high:
        return ""
    line = f"M{place(frame.x(0))} {place(frame.y.start)}V{place(frame.y.stop)}"
    return tag("path", None, d=line, stroke=color("ink"), stroke_width=1)


def _histogram_words(values: NDArray[np.float64]) -> str:
    if not len(values):
        return "no finite values."
    words = f"{count(len(values), 'value')} from {number(values.min())} to {number(values.max())}, "
    return words + f"the median {number(float(np.median(values)))}."
