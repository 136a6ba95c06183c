"""What a network says at every point of a plane: regions of classes, or the contours of a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.explain.charts.contours import above, contour
from wengert.explain.charts.elements import (
    LINES,
    WIDTH,
    Frame,
    clip,
    color,
    dots,
    escape,
    label,
    mix,
    picture,
    tag,
    text_width,
)
from wengert.explain.charts.numbers import Scale, count, number
from wengert.explain.charts.scatter import places_on

__all__ = ["region_chart", "surface_chart"]

Array = NDArray[np.float64]
_SURE = (0.0, 0.5, 0.8, 0.95)  # margins between the likeliest class and the next
_MOST_POINTS = 600
_MOST_TOLD = 200  # points that tell their values
_BANDS = 8
_HEIGHT = 460


def region_chart(
    name: str,
    title: str,
    xs: ArrayLike,
    ys: ArrayLike,
    probabilities: ArrayLike,
    points: ArrayLike,
    actual: Sequence[int],
    held_out: Sequence[bool],
    labels: Sequence[str],
    axes: tuple[str, str] = ("", ""),
) -> str:
    """The regions in which each class is the likeliest, the stronger the surer, and the points of the data.

    Args:
        xs, ys: (nx,) and (ny,), where the plane was sampled.
        probabilities: (ny, nx, k).
        points: (n, 2) of the data; held-out ones are large, the others small; rings are held-out mistakes.
        actual: (n,) class numbers.
        labels: the k names.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.charts import region_chart
        >>> p = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.9, 0.1], [0.2, 0.8]]])
        >>> region_chart("plane", "Regions", [0, 1], [0, 1], p, [[0, 0]], [0], [True], ["no", "yes"])[:4]
        '<svg'
    """
    shares = np.asarray(probabilities, float)
    keys, top = _keys(labels)
    frame = _frame(np.asarray(xs, float), np.asarray(ys, float), axes, top)
    at = _grid(frame, xs, ys)
    areas = [_region(shares, k, at) for k in range(len(labels))]
    cloud = _labelled(frame, np.asarray(points, float), np.asarray(actual), np.asarray(held_out, bool), labels, shares,
                      (np.asarray(xs, float), np.asarray(ys, float)))  # fmt: skip
    won = np.bincount(shares.argmax(axis=-1).ravel(), minlength=len(labels)) / shares[..., 0].size
    words = "; ".join(
        f"{clip(n, 32)} is the likeliest on {w:.0%} of the plane" for n, w in zip(labels, won, strict=True)
    )
    return picture(name, title, words + ".", WIDTH, _HEIGHT, frame.axes() + "".join(areas) + cloud + keys)


def surface_chart(
    name: str,
    title: str,
    xs: ArrayLike,
    ys: ArrayLike,
    values: ArrayLike,
    points: ArrayLike,
    actual: ArrayLike,
    held_out: Sequence[bool],
    axes: tuple[str, str] = ("", ""),
) -> str:
    """A number over a plane as shaded bands between contours; points are shaded by their actual values.

    A point that differs from its ground was predicted wrongly.

    Args:
        xs, ys: (nx,) and (ny,), where the plane was sampled.
        values: (ny, nx).
        points: (n, 2) of the data; held-out ones are large, the others small.
        actual: (n,) their values.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.charts import surface_chart
        >>> surface_chart("plane", "Surface", [0, 1], [0, 1], np.eye(2), [[0, 0]], [1.0], [True])[:4]
        '<svg'
    """
    surface, told = np.asarray(values, float), np.asarray(actual, float)
    seen = np.concatenate([surface.ravel(), told])
    levels = Scale.fit(_spread(seen), 0, 1, marks=_BANDS).marks
    frame = _frame(np.asarray(xs, float), np.asarray(ys, float), axes, 54)
    at = _grid(frame, xs, ys)
    bands = "".join(
        tag("path", None, d=above(surface, level, *at), fill=_band(k, len(levels)))
        for k, level in enumerate(levels)
        if k
    )
    lines = "".join(contour(surface, level, *at) for level in levels)
    ground = tag("rect", None, x=frame.x.start, y=frame.y.stop, width=frame.x.stop - frame.x.start,
                 height=frame.y.start - frame.y.stop, fill=_band(0, len(levels)))  # fmt: skip
    drawn = tag("path", None, d=lines, stroke=color("ink"), stroke_opacity=0.3, fill="none")
    cloud = _shaded(frame, np.asarray(points, float), told, np.asarray(held_out, bool), levels)
    words = f"values from {number(surface.min())} to {number(surface.max())}."
    body = frame.axes() + ground + bands + drawn + cloud + _steps(levels)
    return picture(name, title, words, WIDTH, _HEIGHT, body)


# ---- the plane ---------------------------------------------------------------------------------


def _spread(values: Array) -> list[float]:
    """The range of values but for far ones."""
    good = values[np.isfinite(values)]
    return [float(v) for v in np.quantile(good, [0.005, 0.995])] if len(good) else [0.0]


def _frame(xs: Array, ys: Array, axes: tuple[str, str], top: float) -> Frame:
    y = Scale.fit(ys.tolist(), _HEIGHT - 46, top + 20, room=0, marks=6)
    left = 14 + max((text_width(y.label(m)) for m in y.marks), default=0)
    x = Scale.fit(xs.tolist(), left, WIDTH - 14, room=0, marks=6)
    return Frame(x, y, clip(axes[0], 48), clip(axes[1], 48))


def _grid(frame: Frame, xs: ArrayLike, ys: ArrayLike) -> tuple[Array, Array]:
    return places_on(frame.x, np.asarray(xs, float)), places_on(frame.y, np.asarray(ys, float))


def _inside(frame: Frame, points: Array) -> NDArray[np.bool_]:
    x, y = points[:, 0], points[:, 1]
    return (x >= frame.x.low) & (x <= frame.x.high) & (y >= frame.y.low) & (y <= frame.y.high)


def _chosen(frame: Frame, points: Array, held_out: NDArray[np.bool_]) -> Iterable[NDArray[np.int64]]:
    """Points to draw: some of those learned from, then some of those held out."""
    for kind in (~held_out, held_out):
        rows = np.flatnonzero(kind & _inside(frame, points))
        yield rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_POINTS)).astype(int)]


# ---- classes -----------------------------------------------------------------------------------


def _hue(k: int) -> str:
    return color(f"line{k % LINES}")


def _keys(labels: Sequence[str]) -> tuple[str, float]:
    """The classes' names with their colours, and the height that they take."""
    parts: list[str] = []
    x, y = 6.0, 12.0
    for k, name in enumerate(labels):
        shown = clip(name, 24)
        width = 34 + text_width(shown)
        if x + width > WIDTH and x > 6:
            x, y = 6.0, y + 18
        parts.append(tag("circle", None, cx=x, cy=y - 4, r=5.0, fill=_hue(k)))
        parts.append(label(x + 11, y, shown, fill=color("ink")))
        x += width
    return "".join(parts), y + 16


def _region(shares: Array, k: int, at: tuple[Array, Array]) -> str:
    """Where class k leads, in layers: each adds its tint where the lead is larger."""
    if shares.shape[-1] < 2:
        return ""
    lead = shares[..., k] - np.delete(shares, k, axis=-1).max(axis=-1)
    layers = [above(lead, level or 1e-9, *at) for level in _SURE]
    tints = "".join(tag("path", None, d=d) for d in layers if d)
    line = contour(lead, 1e-9, *at)
    edge = tag("path", None, d=line, stroke=color("ink"), stroke_opacity=0.55, fill="none", stroke_width=1.2,
               stroke_linecap="round") if line else ""  # fmt: skip
    return tag("g", tints, fill=_hue(k), fill_opacity=0.13) + edge


def _nearest(values: Array, at: float) -> int:
    return int(np.argmin(np.abs(values - at)))


def _labelled(frame: Frame, points: Array, actual: NDArray[np.int64], held_out: NDArray[np.bool_],
              labels: Sequence[str], shares: Array, grid: tuple[Array, Array]) -> str:  # fmt: skip
    learned, tested = _chosen(frame, points, held_out)
    parts = [
        dots(_on(frame, points[learned[actual[learned] == k]]), 1.8, stroke=_hue(k), stroke_opacity=0.75)
        for k in range(len(labels))
        if np.any(actual[learned] == k)
    ]
    for n, row in enumerate(tested.tolist()):
        (x, y), k = _on(frame, points[[row]])[0], int(actual[row])
        found = int(shares[_nearest(grid[1], points[row, 1]), _nearest(grid[0], points[row, 0])].argmax())
        words = tag("title", escape(f"{labels[k]}, predicted {labels[found]}")) if n < _MOST_TOLD else None
        ring = color("paper") if found == k else color("ink")
        parts.append(tag("circle", words, cx=x, cy=y, r=4.2 if found == k else 5.0, fill=_hue(k), stroke=ring,
                         stroke_width=1.2 if found == k else 2.2))  # fmt: skip
    return "".join(parts)


def _on(frame: Frame, points: Array) -> list[tuple[float, float]]:
    places = np.column_stack([places_on(frame.x, points[:, 0]), places_on(frame.y, points[:, 1])])
    return [(x, y) for x, y in places.tolist()]


# ---- numbers -----------------------------------------------------------------------------------


def _band(k: int, bands: int) -> str:
    """The colour above mark k: from one hue through the paper's to the other."""
    side = 2 * k / max(bands - 2, 1) - 1 if bands > 2 else 0.5
    return mix(min(0.08 + 0.77 * abs(side), 0.85), hue="line1" if side > 0 else "line0")


def _steps(levels: Sequence[float]) -> str:
    """The bands' colours with the values at their borders."""
    size = min(64.0, (WIDTH - 60) / max(len(levels) - 1, 1))
    left = WIDTH - 30 - size * (len(levels) - 1)
    scale = Scale(levels[0], levels[-1], left, WIDTH - 30, tuple(levels))
    return "".join(
        tag("rect", None, x=left + k * size, y=4, width=size, height=10, fill=_band(k, len(levels)))
        for k in range(len(levels) - 1)
    ) + "".join(label(left + k * size, 28, scale.label(level), "middle") for k, level in enumerate(levels))


def _shaded(frame: Frame, points: Array, actual: Array, held_out: NDArray[np.bool_], levels: Sequence[float]) -> str:
    learned, tested = _chosen(frame, points, held_out)
    bands = np.clip(np.searchsorted(levels, actual, side="right") - 1, 0, max(len(levels) - 2, 0))
    parts: list[str] = []
    for rows, radius, opacity in ((learned, 1.8, 0.45), (tested, 3.8, 1.0)):
        for k in range(len(levels)):
            mine = rows[bands[rows] == k]
            if len(mine):
                places = _on(frame, points[mine])
                parts.append(dots(places, radius + 0.9, stroke=color("ink"), stroke_opacity=opacity))
                parts.append(dots(places, radius, stroke=_band(k, len(levels))))
    left_out = int(np.count_nonzero(~_inside(frame, points)))
    return "".join(parts) + (
        label(WIDTH - 14, _HEIGHT - 4, f"{count(left_out, 'point')} outside", "end") if left_out else ""
    )
