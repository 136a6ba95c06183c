"""What is left unexplained: errors by predicted value, and whether they are as normal errors are."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.explain.charts.elements import WIDTH, Frame, color, path, picture, place, tag, text_width
from wengert.explain.charts.numbers import Scale, count, number
from wengert.explain.charts.scatter import cloud, places_on

__all__ = ["quantile_chart", "residual_chart"]

Array = NDArray[np.float64]
_MOST_QUANTILES = 400
_GROUPS = 12


def residual_chart(
    name: str,
    title: str,
    predicted: ArrayLike,
    residuals: ArrayLike,
    x_name: str = "predicted",
    y_name: str = "actual − predicted",
    *,
    height: int = 400,
) -> str:
    """Residuals by predicted value, with their median and quartiles in groups of equal size.

    Where the median leaves the line at nought predictions are biased; where the band widens they are less sure.

    Example:
        >>> from wengert.explain.charts import residual_chart
        >>> residual_chart("residuals", "Residuals", [1.0, 2.0, 3.0], [0.1, -0.2, 0.1])[:4]
        '<svg'
    """
    x_values, y_values = (np.asarray(v, float).ravel() for v in (predicted, residuals))
    drawable = np.isfinite(x_values) & np.isfinite(y_values)
    x_values, y_values = x_values[drawable], y_values[drawable]
    y = Scale.fit([0.0, *y_values.tolist()], height - 46, 30, room=0.03, marks=6)
    left = 14 + max(text_width(y.label(m)) for m in y.marks)
    x = Scale.fit(x_values.tolist(), left, WIDTH - 14, room=0.03, marks=6)
    frame = Frame(x, y, x_name, y_name)
    places = np.column_stack([places_on(x, x_values), places_on(y, y_values)])
    nought = f"M{place(x.start)} {place(y(0.0))}H{place(x.stop)}"
    body = frame.axes() + tag("path", None, d=nought, stroke=color("soft"), stroke_dasharray="3 4")
    body += cloud(places) + _quartiles(frame, x_values, y_values)
    return picture(name, title, _words(y_values), WIDTH, height, body)


def _words(residuals: Array) -> str:
    if not len(residuals):
        return "no finite residuals."
    return f"{count(len(residuals), 'residual')}, their mean {number(residuals.mean(), 3)}."


def _quartiles(frame: Frame, xs: Array, ys: Array) -> str:
    """Median and quartiles of the residuals in groups of equally many predictions."""
    groups = min(_GROUPS, len(xs) // 8)
    if groups < 3:
        return ""
    parts = np.array_split(np.argsort(xs, kind="stable"), groups)
    middles = [float(np.median(xs[p])) for p in parts]
    low, median, high = ([float(np.quantile(ys[p], q)) for p in parts] for q in (0.25, 0.5, 0.75))
    band = [
        (frame.x(a), frame.y(b))
        for a, b in [*zip(middles, low, strict=True), *zip(middles[::-1], high[::-1], strict=True)]
    ]
    outline = "M" + "L".join(f"{place(a)} {place(b)}" for a, b in band) + "z"
    line = path(
        [(frame.x(a), frame.y(b)) for a, b in zip(middles, median, strict=True)], stroke=color("line1"), stroke_width=2
    )
    return tag("path", None, d=outline, fill=color("line1"), fill_opacity=0.18) + line


def quantile_chart(name: str, title: str, residuals: ArrayLike, *, height: int = 400) -> str:
    """Standardised residuals in order against the quantiles of a normal distribution (a normal Q–Q plot).

    Normal residuals lie on the dashed line; ends that bend away mean more large errors than a normal has. The k-th of n
    stands at the quantile of (k − ½)/n (Hazen's positions). They are standardised by mean and standard deviation.

    Example:
        >>> from wengert.explain.charts import quantile_chart
        >>> quantile_chart("normal", "Normal?", [0.1, -0.2, 0.3, 0.0])[:4]
        '<svg'
    """
    found = np.asarray(residuals, float).ravel()
    found = np.sort(found[np.isfinite(found)])
    spread = float(found.std()) if len(found) else 0.0
    ordered = (found - found.mean()) / spread if spread > 0 else np.zeros(len(found))
    rows = (
        np.linspace(0, len(found) - 1, min(len(found), _MOST_QUANTILES)).astype(int)
        if len(found)
        else np.array([], int)
    )
    expected = np.array([NormalDist().inv_cdf((k + 0.5) / len(found)) for k in rows])
    reach = max(3.0, math.ceil(max(np.abs(expected).max(initial=0), np.abs(ordered).max(initial=0))))
    y = Scale.fit([-reach, reach], height - 46, 30, room=0, marks=6)
    x = Scale.fit([-3.5, 3.5] if len(found) < 2000 else [-4, 4], 40, WIDTH - 14, room=0, marks=7)
    frame = Frame(x, y, "standard normal quantile", "deviations from the mean")
    edge = min(reach, x.high)
    line = path([(x(-edge), y(-edge)), (x(edge), y(edge))], stroke=color("soft"), stroke_dasharray="3 4")
    places = np.column_stack([places_on(x, expected), places_on(y, ordered[rows])])
    words = (
        f"{count(len(found), 'residual')}, the extremes {number(ordered[0], 3)} and {number(ordered[-1], 3)} "
        "deviations."
        if len(found)
        else "no finite residuals."
    )
    return picture(name, title, words, WIDTH, height, frame.axes(x_grid=True) + line + cloud(places))
