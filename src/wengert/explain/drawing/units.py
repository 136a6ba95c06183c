"""Small networks, unit by unit: circles, and for each weight a line, of which colour and width are sign and size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wengert.explain.charts.numbers import number
from wengert.explain.drawing.diagram import Units
from wengert.explain.drawing.marks import PAPER, SOFT, Curve, Mark, Paint, Panel, Words, width_of
from wengert.explain.layout import Box

__all__ = ["unit_marks"]

_RADIUS = 17.0
_PITCH = 66.0
_APART = 190.0
_HEAD = 46.0  # above the columns: their headings
_THIN, _THICK = 0.8, 5.0
_PLACES = (0.3, 0.42, 0.54, 0.66, 0.2, 0.78)  # along a line, where its weight may be written
POSITIVE, NEGATIVE = Paint("line0"), Paint("line1")


def unit_marks(units: Units) -> tuple[list[Mark], float, float]:
    """The marks of a network, from (0, 0), with width and height."""
    tallest = max(len(keys) for keys, _ in units.columns)
    widths = [max(width_of(part, 12) for part in heading.split("\n")) for _, heading in units.columns]
    apart = max(_APART, max(widths) + 24)
    left = max(widths[0] / 2, _RADIUS)
    centers = [
        [(left + apart * c, _HEAD + _RADIUS + 4 + _PITCH * (k + (tallest - len(keys)) / 2)) for k in range(len(keys))]
        for c, (keys, _) in enumerate(units.columns)
    ]
    largest = max((float(np.max(np.abs(_finite(w)), initial=0)) for w in units.weights), default=0.0) or 1.0
    lines: list[Mark] = []
    ends: list[tuple[tuple[float, float], tuple[float, float], float]] = []
    for c, weight in enumerate(units.weights):
        for i, start in enumerate(centers[c]):
            for j, stop in enumerate(centers[c + 1]):
                w = float(weight[i, j])
                ends.append((start, stop, w))
                tip = f"{units.columns[c][0][i]} → {units.columns[c + 1][0][j]}: {number(w)}"
                lines.append(Mark((_line(start, stop, w, largest),), tip))
    circles = [mark for c in range(len(centers)) for mark in _circles(units, c, centers[c])]
    headings = [_heading(heading, centers[c][0][0]) for c, (_, heading) in enumerate(units.columns)]
    taken = [s.box for mark in circles for s in mark.shapes if isinstance(s, Panel)]
    taken += [s.box() for mark in circles for s in mark.shapes if isinstance(s, Words)]
    width = left + apart * (len(centers) - 1) + max(widths[-1] / 2, _RADIUS)
    height = _HEAD + _PITCH * tallest + 16
    return [*lines, *circles, *headings, *_weights(ends, taken)], width, height


def _finite(weight: np.ndarray) -> np.ndarray:
    return np.nan_to_num(weight, posinf=0.0, neginf=0.0)


def _line(start: tuple[float, float], stop: tuple[float, float], w: float, largest: float) -> Curve:
    """A straight line from rim to rim."""
    size = min(abs(w) / largest, 1.0) if np.isfinite(w) else 1.0
    (a, b), (c, d) = start, stop
    share = _RADIUS / ((c - a) ** 2 + (d - b) ** 2) ** 0.5
    a, b, c, d = a + share * (c - a), b + share * (d - b), c - share * (c - a), d - share * (d - b)
    points = tuple((a + t * (c - a), b + t * (d - b)) for t in (0.0, 1 / 3, 2 / 3, 1.0))
    paint = Paint(POSITIVE.name if w >= 0 else NEGATIVE.name, 0.25 + 0.65 * size)
    return Curve(points, paint, _THIN + (_THICK - _THIN) * size, arrow=False, dashed=not np.isfinite(w))


def _circles(units: Units, c: int, centers: Sequence[tuple[float, float]]) -> list[Mark]:
    bias = units.biases[c - 1] if c and any(b is not None and np.any(b) for b in units.biases) else None
    marks: list[Mark] = []
    for k, ((x, y), key) in enumerate(zip(centers, units.columns[c][0], strict=True)):
        box = Box(x - _RADIUS, y - _RADIUS, 2 * _RADIUS, 2 * _RADIUS)
        paint = Paint("line2") if not c else Paint("line0")
        shapes: list[Panel | Words] = [Panel(box, Paint(paint.name, 0.12), paint, 1.3, _RADIUS)]
        shapes.append(Words(x, y + 4, key, anchor="middle"))
        tip = key
        if bias is not None:
            text = f"{bias[k]:+.2g}".replace("-", "−")
            shapes.append(Words(x, y + _RADIUS + 12, text, SOFT, 10, "middle", haloed=True))
            tip = f"{key}, bias {number(float(bias[k]))}"
        marks.append(Mark(tuple(shapes), tip))
    return marks


def _heading(heading: str, x: float) -> Mark:
    first, *rest = heading.split("\n")
    words = [Words(x, 13, first, anchor="middle", bold=True)]
    words += [Words(x, 30, more, SOFT, 11, "middle") for more in rest]
    return Mark(tuple(words))


def _weights(ends: Sequence[tuple[tuple[float, float], tuple[float, float], float]], taken: list[Box]) -> list[Mark]:
    """Numbers on the lines of a small network, where there is room; all of them or none."""
    if len(ends) > 24:
        return []
    marks: list[Mark] = []
    for (a, b), (c, d), w in ends:
        text = f"{w:.2g}".replace("-", "−")
        options = [Words(a + t * (c - a), b + t * (d - b) + 4, text, SOFT, 10, "middle") for t in _PLACES]
        free = next((o for o in options if not any(o.box().overlaps(box) for box in taken)), None)
        if free is None:
            return []
        taken.append(free.box())
        marks.append(Mark((Panel(_around(free.box()), stroke=PAPER, radius=3), free)))
    return marks


def _around(box: Box) -> Box:
    return Box(box.x, box.y + 1, box.w, box.h)
