"""Lines over a common x axis: learning curves, norms by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wengert.explain.charts.elements import (
    LINES,
    WIDTH,
    Frame,
    clip,
    color,
    escape,
    label,
    path,
    picture,
    place,
    tag,
    text_width,
)
from wengert.explain.charts.numbers import Scale, finite, number

__all__ = ["Series", "line_chart"]

_MOST_POINTS = 400  # of a line: more than pixels would be drawn over each other
_MOST_COLUMNS = 160  # that show their values under the pointer


@dataclass(frozen=True)
class Series:
    """A line of a chart: its name, one value for each place on the x axis, and its colour if it matters."""

    name: str
    values: Sequence[float]
    color: str | None = None


def line_chart(
    name: str,
    title: str,
    xs: Sequence[float],
    series: Sequence[Series],
    *,
    x_name: str = "epoch",
    y_name: str = "",
    log: bool | None = None,
    mark: float | None = None,
    mark_name: str = "best epoch",
    width: int = WIDTH,
    height: int = 300,
) -> str:
    """Lines over a common x axis.

    ``log`` chooses a logarithmic y axis; None takes one where all values are positive and span more than
    a factor of 30. ``mark`` is one of the xs to point out. Long series are thinned so that peaks remain.

    Example:
        >>> from wengert.explain.charts import Series, line_chart
        >>> line_chart("loss", "Loss", [1, 2, 3], [Series("training", [2.0, 1.0, 0.5])])[:4]
        '<svg'
    """
    values = [v for s in series for v in finite(s.values)]
    log = _wants_log(values) if log is None else log
    styles = [s.color or color(f"line{i % LINES}") for i, s in enumerate(series)]
    legend, top = _legend([s.name for s in series], styles, width)
    top += 18 if y_name else 0
    y = Scale.fit(values, height - 46, top, log=log, room=0.04 if log else None)
    left = 14 + max(text_width(y.label(m)) for m in y.marks)
    x = Scale.fit(xs, left, width - 14, room=0, whole=True, marks=6)
    frame = Frame(x, y, x_name, y_name + (", logarithmic" if log and y_name else ""))
    lines = [
        path(frame.points(*_thinned(xs, s.values)), stroke=style, stroke_width=_weight(len(series)))
        for s, style in zip(series, styles, strict=True)
    ]
    marking = _marking(frame, mark, mark_name, xs, series, styles) if mark is not None else ""
    missing = "" if values else label((left + width) / 2, height / 2, "no finite values", "middle")
    body = frame.axes() + "".join(lines) + marking + missing + _columns(frame, xs, series) + legend
    return picture(name, title, _line_words(series), width, height, body)


def _wants_log(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) > 30 * min(values)


def _weight(lines: int) -> float:
    return 2.0 if lines <= 4 else 1.5


def _legend(names: Sequence[str], styles: Sequence[str], room: float) -> tuple[str, float]:
    """Names with their colours, in as many rows as they need, and where the chart below may begin."""
    if len(names) < 2:
        return "", 14
    parts: list[str] = []
    x, y = 2.0, 12.0
    for name, style in zip(names, styles, strict=True):
        shown = clip(name, 32)
        width = 22 + text_width(shown) + 14
        if x + width > room and x > 2:
            x, y = 2.0, y + 18
        parts.append(tag("path", None, d=f"M{place(x)} {place(y - 4)}h14", stroke=style, stroke_width=3))
        parts.append(label(x + 20, y, shown, fill=color("ink")))
        x += width
    return "".join(parts), y + 18


def _thinned(xs: Sequence[float], ys: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """At most about ``_MOST_POINTS`` of the points: of each stretch the least, the greatest and any gap."""
    if len(ys) <= _MOST_POINTS:
        return xs, ys
    size = math.ceil(2 * len(ys) / _MOST_POINTS)
    kept: list[int] = []
    for start in range(0, len(ys), size):
        stretch = [float(y) for y in ys[start : start + size]]
        drawable = [k for k, y in enumerate(stretch) if math.isfinite(y)]
        ends = {min(drawable, key=stretch.__getitem__), max(drawable, key=stretch.__getitem__)} if drawable else {0}
        gaps = [k for k, y in enumerate(stretch) if not math.isfinite(y)][:1]
        kept.extend(start + k for k in sorted(ends.union(gaps)))
    return [xs[k] for k in kept], [ys[k] for k in kept]


def _marking(
    frame: Frame, at: float, name: str, xs: Sequence[float], series: Sequence[Series], styles: Sequence[str]
) -> str:
    """A dashed line at x, a dot where it meets each line, its name where there is room."""
    x, top, bottom = frame.x(at), frame.y.stop, frame.y.start
    nearest = min(range(len(xs)), key=lambda k: abs(xs[k] - at))
    met = [frame.points([at], [s.values[nearest]])[0] for s in series]
    line = f"M{place(x)} {place(bottom)}V{place(top)}"
    side = "end" if x > (frame.x.start + frame.x.stop) / 2 else "start"
    low = any(point and point[1] < top + 40 for point in met)  # then the name goes to the foot of the line
    parts = [
        tag("path", None, d=line, stroke=color("soft"), stroke_dasharray="3 4"),
        *(tag("circle", None, cx=p[0], cy=p[1], r=3.5, fill=style, stroke=color("paper"))
          for p, style in zip(met, styles, strict=True) if p),
        label(x + (-6 if side == "end" else 6), bottom - 8 if low else top + 10, f"{name} {number(at)}", side,
              haloed=True),
    ]  # fmt: skip
    return "".join(parts)


def _columns(frame: Frame, xs: Sequence[float], series: Sequence[Series]) -> str:
    """Invisible columns that tell the values at their x when the pointer rests on them."""
    step = math.ceil(len(xs) / _MOST_COLUMNS)
    chosen = range(0, len(xs), step) if xs else range(0)
    width = (frame.x.stop - frame.x.start) / max(len(chosen), 1)
    parts: list[str] = []
    for k in chosen:
        told = [f"{frame.x_name} {number(xs[k])}", *(f"{s.name}: {number(s.values[k])}" for s in series[:12])]
        words = tag("title", escape("\n".join(told)))
        corner = min(max(frame.x(xs[k]) - width / 2, frame.x.start), frame.x.stop - width)
        parts.append(tag("rect", words, x=corner, y=frame.y.stop, width=width, height=frame.y.start - frame.y.stop))
    return tag("g", "".join(parts), class_="hover", fill=color("ink"), fill_opacity=0)


def _line_words(series: Sequence[Series]) -> str:
    """The chart in words: where each line begins and ends."""
    words = [
        f"{s.name} goes from {number(ends[0])} to {number(ends[-1])}"
        if (ends := finite(s.values))
        else f"{s.name} has no finite values"
        for s in series[:12]
    ]
    return "; ".join(words) + "."
