"""Where a function on a grid exceeds a level: as an area and as a line, by marching squares.

The function is taken as linear along the edges of the cells (W. Lorensen and H. Cline, "Marching cubes", 1987,
in two dimensions).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import place

__all__ = ["above", "contour"]

Array = NDArray[np.float64]
_Point = tuple[float, float]


def above(values: Array, level: float, xs: Array, ys: Array) -> str:
    """The area where ``values`` (ny, nx) are at least ``level``, as an SVG path; ``xs`` and ``ys`` are places."""
    inside = values >= level
    corners = inside[:-1, :-1] * 1 + inside[:-1, 1:] + inside[1:, :-1] + inside[1:, 1:]
    parts = [_runs(row == 4, xs, float(ys[i]), float(ys[i + 1])) for i, row in enumerate(corners)]
    for i, k in np.argwhere((corners > 0) & (corners < 4)).tolist():
        points = [point for point, _ in _walk(values, level, xs, ys, (i, k))]
        parts.append("M" + "L".join(f"{place(x)} {place(y)}" for x, y in points) + "z")
    return "".join(parts)


def contour(values: Array, level: float, xs: Array, ys: Array) -> str:
    """The line on which ``values`` are ``level``, as an SVG path."""
    inside = values >= level
    corners = inside[:-1, :-1] * 1 + inside[:-1, 1:] + inside[1:, :-1] + inside[1:, 1:]
    parts: list[str] = []
    for i, k in np.argwhere((corners > 0) & (corners < 4)).tolist():
        crossings = [point for point, crosses in _walk(values, level, xs, ys, (i, k)) if crosses]
        for (x0, y0), (x1, y1) in zip(crossings[::2], crossings[1::2], strict=True):
            parts.append(f"M{place(x0)} {place(y0)}L{place(x1)} {place(y1)}")
    return "".join(parts)


def _runs(whole: NDArray[np.bool_], xs: Array, top: float, bottom: float) -> str:
    """Whole cells of one row, neighbours together."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], whole.astype(int), [0]])))
    ends = [place(float(xs[k])) for k in steps.tolist()]
    return "".join(f"M{a} {place(top)}H{b}V{place(bottom)}H{a}z" for a, b in zip(ends[::2], ends[1::2], strict=True))


def _walk(values: Array, level: float, xs: Array, ys: Array, cell: tuple[int, int]) -> Iterator[tuple[_Point, bool]]:
    """Around a cell: its corners that are inside, and the places where its edges are crossed, marked True."""
    i, k = cell
    around = [(i, k), (i, k + 1), (i + 1, k + 1), (i + 1, k)]
    for (i0, k0), (i1, k1) in zip(around, around[1:] + around[:1], strict=True):
        v0, v1 = float(values[i0, k0]), float(values[i1, k1])
        if v0 >= level:
            yield (float(xs[k0]), float(ys[i0])), False
        if (v0 >= level) != (v1 >= level):
            t = (level - v0) / (v1 - v0)
            yield (float(xs[k0] + t * (xs[k1] - xs[k0])), float(ys[i0] + t * (ys[i1] - ys[i0]))), True
