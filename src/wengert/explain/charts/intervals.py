"""Amounts with what is uncertain about them, one a name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from wengert.explain.charts.elements import (
    WIDTH,
    clip,
    color,
    escape,
    label,
    mix,
    path,
    picture,
    place,
    tag,
    text_width,
)
from wengert.explain.charts.numbers import Scale, count, number

__all__ = ["interval_chart"]

_ROW = 24.0


def interval_chart(
    name: str,
    title: str,
    names: Sequence[str],
    amounts: Sequence[float],
    errors: Sequence[float] | None = None,
    *,
    x_name: str = "",
    show: Callable[[float], str] = lambda value: number(value, 3),
    most: int = 20,
    told: Sequence[str] | None = None,
    hue: str = "line0",
) -> str:
    """Bars from nought, one a name in the order given, with whiskers of one standard error to either side.

    Of more than ``most`` the first are drawn. Amounts may be negative. ``told`` are more words for the pointer.

    Example:
        >>> from wengert.explain.charts import interval_chart
        >>> interval_chart("importance", "Importance", ["hour", "wind"], [80.0, 1.5], [2.0, 0.5])[:4]
        '<svg'
    """
    rows = [
        (clip(n, 24), n, float(a), float(e))
        for n, a, e in zip(names, amounts, errors or [0.0] * len(names), strict=True)
    ]
    rows = [row for row in rows if math.isfinite(row[2])][:most]
    ends = [v for _, _, a, e in rows for v in (a - _finite(e), a + _finite(e))]
    left = 12 + max((text_width(shown) for shown, *_ in rows), default=0)
    right = WIDTH - 14 - max((text_width(show(a)) for _, _, a, _ in rows), default=0)
    floor = 8 + _ROW * max(len(rows), 1)
    scale = Scale.fit([0.0, *ends], left, right, room=0, marks=4)
    parts = [_grid(scale, floor)]
    for k, (shown, full, amount, error) in enumerate(rows):
        words = [f"{full}: {show(amount)}" + (f" ± {show(error)}" if errors and math.isfinite(error) else "")]
        parts.append(
            _row(
                8 + k * _ROW,
                scale,
                shown,
                show(amount),
                (amount, _finite(error)),
                words + list(told or ())[k : k + 1],
                hue,
            )
        )
    parts.append(label((left + right) / 2, floor + 34, x_name, "middle"))
    words = f"{count(len(rows), 'bar')}" + (f", the first {rows[0][1]}, {show(rows[0][2])}." if rows else ".")
    return picture(name, title, words, WIDTH, floor + 42, "".join(parts))


def _finite(error: float) -> float:
    return error if math.isfinite(error) else 0.0


def _grid(scale: Scale, floor: float) -> str:
    marks = [m for m in scale.marks if scale.low <= m <= scale.high]
    lines = "".join(f"M{place(scale(m))} 4V{place(floor)}" for m in marks)
    texts = "".join(label(scale(m), floor + 16, scale.label(m), "middle") for m in marks)
    return tag("path", None, d=lines, stroke=color("rule")) + texts


def _row(
    top: float, scale: Scale, shown: str, text: str, value: tuple[float, float], words: list[str], hue: str
) -> str:
    amount, error = value
    start, end = sorted((scale(0.0), scale(amount)))
    middle = top + _ROW / 2 - 1
    told = tag("title", escape("\n".join(words)))
    bar = tag("rect", told, x=start, y=top + 3, width=max(end - start, 1.0), height=15, rx=2,
              fill=mix(0.75, hue=hue))  # fmt: skip
    low, high = scale(amount - error), scale(amount + error)
    whisker = path([(low, middle), (high, middle)], stroke=color("ink"), stroke_width=1.4) if error > 0 else ""
    return (
        label(scale.start - 8, middle + 4.5, shown, "end", fill=color("ink"))
        + bar
        + whisker
        + label(max(high, end) + 7, middle + 4.5, text)
    )
