"""Lines of equal value on a grid, by marching squares, and the values worth a line."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Levels", "Lines", "contour_lines", "region_outlines"]

Array = NDArray[np.float64]
Lines = list[Array]  # of each line its points, (points, 2); closed where the last is the first


# ---- marching squares -------------------------------------------------------------------------


def contour_lines(xs: Array, ys: Array, values: Array, level: float) -> Lines:
    """The lines on which the values of a grid are ``level``, linear along the edges of its cells.

    ``values[i, j]`` stands at ``xs[j]``, ``ys[i]``. A cell with two lines (a saddle) is decided as the bilinear
    interpolant of its corners is. Cells with a corner that is not finite have no line.

    G. Nielson, B. Hamann, "The asymptotic decider: resolving the ambiguity in marching cubes", Visualization 1991.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.surface.contours import contour_lines
        >>> at = np.linspace(-1.0, 1.0, 3)
        >>> contour_lines(at, at, at[None, :] + 0 * at[:, None], 0.5)[0]
        array([[ 0.5, -1. ],
               [ 0.5,  0. ],
               [ 0.5,  1. ]])
    """
    return _joined(_segments(values, level), _edge_points(xs, ys, values, level))


def region_outlines(xs: Array, ys: Array, values: Array, level: float) -> Lines:
    """The outlines of where values are at least ``level``: closed lines, along the grid's border where it must be.

    What is not finite counts as above.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.surface.contours import region_outlines
        >>> at = np.array([0.0, 1.0])
        >>> outline, = region_outlines(at, at, np.ones((2, 2)), 0.5)
        >>> sorted({tuple(point) for point in outline.tolist()})
        [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    """
    finite = np.isfinite(values)
    found = np.where(finite, values, np.max(values, where=finite, initial=level))
    below = min(float(found.min()), level) - max(abs(level), 1.0)
    ringed = np.pad(found, 1, constant_values=below)  # a ring of no width about the grid
    wide_x, wide_y = (np.concatenate([at[:1], at, at[-1:]]) for at in (xs, ys))
    return contour_lines(wide_x, wide_y, ringed, level)


def _segments(values: Array, level: float) -> NDArray[np.int64]:
    """The pieces of line in each cell as pairs of edges, (pieces, 2).

    Edges have numbers: 2 k is the one from node k to the right, 2 k + 1 the one upwards.
    """
    rows, columns = values.shape
    above = values >= level
    finite = np.isfinite(values)
    whole = finite[:-1, :-1] & finite[:-1, 1:] & finite[1:, :-1] & finite[1:, 1:]
    corners = [above[:-1, :-1], above[:-1, 1:], above[1:, 1:], above[1:, :-1]]
    kind = sum(corner.astype(int) << k for k, corner in enumerate(corners))
    kind = np.where(whole, kind, 0)
    with np.errstate(all="ignore"):
        z0, z1, z2, z3 = values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]
        middle = (z0 * z2 - z1 * z3) / (z0 + z2 - z1 - z3)  # the bilinear interpolant at its saddle
    joined = middle >= level
    kind = np.where((kind == 5) & joined, 10, np.where((kind == 10) & joined, 5, kind))
    node = np.arange(rows * columns).reshape(rows, columns)[:-1, :-1]
    edges = np.stack([2 * node, 2 * (node + 1) + 1, 2 * (node + columns), 2 * node + 1])  # below, right, above, left
    found = [
        np.stack([edges[start][kind == case], edges[stop][kind == case]], -1)
        for case, pieces in _PIECES.items()
        for start, stop in pieces
    ]
    return np.concatenate(found)


# corners at or above the level, as bits from the lower left on anticlockwise -> pieces between edges
_BELOW, _RIGHT, _ABOVE, _LEFT = range(4)
_PIECES = {
    1: [(_LEFT, _BELOW)], 2: [(_BELOW, _RIGHT)], 3: [(_LEFT, _RIGHT)], 4: [(_RIGHT, _ABOVE)],
    5: [(_LEFT, _BELOW), (_RIGHT, _ABOVE)], 6: [(_BELOW, _ABOVE)], 7: [(_LEFT, _ABOVE)], 8: [(_ABOVE, _LEFT)],
    9: [(_ABOVE, _BELOW)], 10: [(_BELOW, _RIGHT), (_ABOVE, _LEFT)], 11: [(_ABOVE, _RIGHT)], 12: [(_RIGHT, _LEFT)],
    13: [(_RIGHT, _BELOW)], 14: [(_BELOW, _LEFT)],
}  # fmt: skip


def _edge_points(xs: Array, ys: Array, values: Array, level: float) -> Array:
    """Where the level is met on each edge, by the edge's number."""
    rows, columns = values.shape
    points = np.empty((rows, columns, 2, 2))
    points[..., 0], points[..., 1] = xs[None, :, None], ys[:, None, None]
    with np.errstate(all="ignore"):
        right = (level - values[:, :-1]) / (values[:, 1:] - values[:, :-1])
        up = (level - values[:-1]) / (values[1:] - values[:-1])
        points[:, :-1, 0, 0] += right * np.diff(xs)[None, :]
        points[:-1, :, 1, 1] += up * np.diff(ys)[:, None]
    return points.reshape(-1, 2)


def _joined(segments: NDArray[np.int64], points: Array) -> Lines:
    """Pieces with a common edge as one line; open ones first, each from its end."""
    at: defaultdict[int, list[int]] = defaultdict(list)
    pieces: list[tuple[int, int]] = [(int(a), int(b)) for a, b in segments]
    for k, (a, b) in enumerate(pieces):
        at[a].append(k)
        at[b].append(k)
    used = [False] * len(pieces)
    ends = [edge for edge, held in at.items() if len(held) == 1]
    lines: Lines = []
    for start in [*sorted(ends), *sorted(at)]:
        for first in at[start]:
            if not used[first]:
                lines.append(points[_followed(start, first, pieces, at, used)])
    return lines


def _followed(start: int, first: int, pieces: list[tuple[int, int]], at: Any, used: list[bool]) -> list[int]:
    line, edge, piece = [start], start, first
    while piece >= 0:
        used[piece] = True
        a, b = pieces[piece]
        edge = b if edge == a else a
        line.append(edge)
        piece = next((k for k in at[edge] if not used[k]), -1)
    return line


# ---- levels -----------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Levels:
    """The values that have a line, on a scale on which they are about evenly spaced.

    The scale is the value itself, or log₁₀(value − base) where values span decades.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.surface.contours import Levels
        >>> Levels.of(np.array([0.5, 4.2, 9.7]), 5).values
        (2.0, 4.0, 6.0, 8.0)
        >>> Levels.of(np.geomspace(0.02, 900.0, 99), 5).values
        (0.1, 1.0, 10.0, 100.0)
    """

    values: tuple[float, ...]
    low: float
    high: float
    log: bool = False
    base: float = 0.0

    def scaled(self, values: Any) -> Array:
        """Values on the scale; what lies below its beginning is at the beginning, what is not finite is NaN."""
        found = np.asarray(values, np.float64)
        found = np.where(np.isfinite(found), found, np.nan)
        if not self.log:
            return found
        return np.log10(np.maximum(found - self.base, self.low - self.base))

    def band(self, values: Any) -> NDArray[np.int64]:
        """Between which two levels values lie: 0 below the first one."""
        return np.searchsorted(np.asarray(self.values), np.asarray(values, np.float64), side="right")

    @staticmethod
    def of(values: Array, wanted: int = 14) -> Levels:
        """About ``wanted`` levels for values; those that are not finite do not count."""
        found = np.sort(values[np.isfinite(values)], axis=None)
        if not len(found):
            return Levels((), 0.0, 1.0)
        low, high = float(found[0]), float(found[-1])
        if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
            return Levels((), low, high)
        middle = float(found[len(found) // 2])
        if low > 0 and high > 30 * low:
            # decades that only a few nodes beside a zero reach show nothing
            low = max(low, float(found[int(0.01 * len(found))]) / 3)
            if high > 30 * low:
                return Levels(_decades(low, high, wanted), low, high, log=True)
        if low <= 0 and high - low > 30 * (middle - low) > 0:
            base = low - (middle - low) / 30
            powers = _decades(low - base, high - base, wanted)
            return Levels(tuple(base + p for p in powers), low, high, log=True, base=base)
        return Levels(_evenly(low, high, wanted), low, high)


def _evenly(low: float, high: float, wanted: int) -> tuple[float, ...]:
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(math.log(s / raw)))
    numbers = range(math.ceil(low / step + 1e-9), math.floor(high / step - 1e-9) + 1)
    return tuple(float(f"{k * step:.12g}") for k in numbers)


_WITHIN_A_DECADE = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))


def _decades(low: float, high: float, wanted: int) -> tuple[float, ...]:
    decades = math.log10(high / low)
    parts = min(_WITHIN_A_DECADE, key=lambda part: abs(len(part) * decades - wanted))
    every = max(1, round(decades / wanted)) if len(parts) == 1 else 1
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found = [float(f"{m}e{e}") for e in range(first, last + 1) if e % every == 0 for m in parts]
    return tuple(v for v in found if low < v < high)
