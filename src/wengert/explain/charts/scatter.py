"""Predicted against actual, as dots or, where they are very many, as counts in hexagons."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.explain.charts.elements import (
    WIDTH,
    Frame,
    color,
    dots,
    escape,
    mix,
    picture,
    place,
    tag,
    text_width,
)
from wengert.explain.charts.numbers import HUGE, Scale, count, number

__all__ = ["cloud", "diagonal", "places_on", "scatter_chart"]

_MOST_DOTS = 2000
_LEVELS = 8  # of shade, each one element
_POINTED_OUT = 5  # of the largest errors
_HEXAGON = 5.0  # from the middle to a corner, in pixels


def scatter_chart(
    name: str, title: str, actual: ArrayLike, predicted: ArrayLike, *, unit: str = "", height: int = 440
) -> str:
    """Predicted against actual values, with the line on which they are equal.

    The two axes have one scale. Up to 2,000 points are dots, more are counted in hexagons; the
    largest errors tell their values under the pointer. Pairs that are not finite are left out.

    Example:
        >>> from wengert.explain.charts import scatter_chart
        >>> "<svg" in scatter_chart("fit", "Predicted against actual", [1.0, 2.0], [1.1, 1.9])
        True
    """
    x_values, y_values = np.asarray(actual, float).ravel(), np.asarray(predicted, float).ravel()
    drawable = (np.abs(x_values) < HUGE) & (np.abs(y_values) < HUGE)  # which NaN is not
    x_values, y_values = x_values[drawable], y_values[drawable]
    frame = _square(x_values, y_values, unit, height)
    places = np.column_stack([places_on(frame.x, x_values), places_on(frame.y, y_values)])
    parts = [frame.axes(x_grid=True), diagonal(frame), cloud(places), _worst(places, x_values, y_values)]
    left_out = int(np.size(drawable) - np.count_nonzero(drawable))
    words = f"{count(len(places), 'point')} about the line on which predicted equals actual."
    if left_out:
        words += f" {count(left_out, 'point')} not finite and not drawn."
    return picture(name, title, words, WIDTH, height, "".join(parts))


def _square(xs: NDArray[np.float64], ys: NDArray[np.float64], unit: str, height: int) -> Frame:
    both = np.concatenate([xs, ys]).tolist()
    y = Scale.fit(both, height - 46, 30, room=0.03, marks=6)
    left = 14 + max(text_width(y.label(m)) for m in y.marks)
    x = Scale.fit(both, left, WIDTH - 14, room=0.03, marks=6)
    tail = f" {unit}" if unit else ""
    return Frame(x, y, f"actual{tail}", f"predicted{tail}")


def cloud(places: NDArray[np.float64]) -> str:
    """Points of a picture as dots or, where they are very many, as shaded hexagons."""
    return _hexagons(places) if len(places) > _MOST_DOTS else _dots(places)


def places_on(scale: Scale, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where many values lie on a linear scale."""
    return scale(0.0) + values * ((scale.stop - scale.start) / (scale.high - scale.low))


def diagonal(frame: Frame) -> str:
    """The dashed line on which both coordinates are equal."""
    low, high = frame.x.low, frame.x.high
    start, stop = (f"{place(frame.x(v))} {place(frame.y(v))}" for v in (low, high))
    return tag("path", None, d=f"M{start}L{stop}", stroke=color("soft"), stroke_dasharray="3 4")


def _dots(places: NDArray[np.float64]) -> str:
    opacity = min(0.75, max(0.3, 12 / math.sqrt(len(places) + 1)))
    return dots(places.tolist(), 2.5, stroke=color("line0"), stroke_opacity=round(opacity, 2))


def _hexagons(places: NDArray[np.float64]) -> str:
    """Hexagons shaded by how many points each holds; the shade goes with the logarithm."""
    counts = _binned(places)
    most = math.log1p(max(counts.values()))
    shades: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for middle, held in sorted(counts.items()):
        shades[math.ceil(_LEVELS * math.log1p(held) / most)].append(middle)
    corners = [(_HEXAGON * math.sin(a), _HEXAGON * math.cos(a)) for a in np.arange(6) * math.pi / 3]
    around = "".join(f"l{place(x1 - x0)} {place(y1 - y0)}" for (x0, y0), (x1, y1) in pairwise(corners))
    return "".join(
        tag(
            "path",
            None,
            d="".join(f"M{place(x)} {place(y + _HEXAGON)}{around}z" for x, y in middles),
            fill=mix(0.18 + 0.82 * (level / _LEVELS) ** 1.5),
        )
        for level, middles in sorted(shades.items())
    )


def _binned(places: NDArray[np.float64]) -> dict[tuple[float, float], int]:
    """Points counted by the nearest of two shifted grids, whose cells together are hexagons."""
    width, row = math.sqrt(3) * _HEXAGON, 1.5 * _HEXAGON
    shifts = (np.zeros(2), np.array([width / 2, row]))
    size = np.array([width, 2 * row])
    middles = [np.round((places - shift) / size) * size + shift for shift in shifts]
    nearer = np.sum((places - middles[0]) ** 2, 1) <= np.sum((places - middles[1]) ** 2, 1)
    chosen = np.where(nearer[:, None], *middles)
    cells, held = np.unique(np.round(chosen, 2), axis=0, return_counts=True)
    return {(x, y): int(n) for (x, y), n in zip(cells.tolist(), held, strict=True)}


def _worst(places: NDArray[np.float64], actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> str:
    """Rings around the largest errors."""
    order: Sequence[int] = np.argsort(-np.abs(predicted - actual), kind="stable")[:_POINTED_OUT].tolist()
    rings: list[str] = []
    for k in order:
        x, y = places[k].tolist()
        words = f"actual {number(actual[k])}, predicted {number(predicted[k])}"
        rings.append(tag("circle", tag("title", escape(words)), cx=x, cy=y, r=5.0))
    style = {"stroke": color("line1"), "stroke_width": 1.5, "fill": color("line1"), "fill_opacity": 0}
    return tag("g", "".join(rings), **style)
