"""Calls of NumPy's medians, quantiles and percentiles, as users write them."""

from __future__ import annotations

import numpy as np
from tests.frontend._cases import FIVE, T, X, add
from tests.frontend._cases_statistics import holed
from tests.frontend._harness import draw

METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip
MANY, WEIGHTS = draw("many", 2, 7), draw("weights", 2, 7)  # NumPy's nanquantile takes no fewer weights
Q = np.array([0.13, 0.52, 0.87])

for _r in (np.median, np.nanmedian):
    add(_r, _r, lambda x, r=_r: r(x, axis=0), lambda x, r=_r: r(x, axis=-1, keepdims=True), lambda x, r=_r: r(x, axis=(0, 1)), lambda x, r=_r: r(x, axis=()),
        lambda x, r=_r: r(x, keepdims=True), lambda x, r=_r: r(x, axis=0, out=np.zeros(3)), lambda x, r=_r: r(x, 1, None, True), args=(X,))  # fmt: skip
    add(
        _r,
        lambda x, r=_r: r(x, axis=(0, 2), keepdims=True),
        lambda x, r=_r: r(x, axis=[2, 1]),
        lambda x, r=_r: r(x, axis=1),
        args=(T,),
    )
    add(_r, _r, args=(FIVE,))
    add(_r, _r, args=(1.3,))
add(
    np.nanmedian,
    lambda x: np.nanmedian(holed(x)),
    lambda x: np.nanmedian(holed(x), axis=1),
    lambda x: np.nanmedian(holed(x), axis=0, keepdims=True),
    args=(X,),
)
for _r, _s in ((np.quantile, 1.0), (np.nanquantile, 1.0), (np.percentile, 100.0), (np.nanpercentile, 100.0)):
    add(
        _r, lambda x, r=_r, s=_s: r(x, 0.3 * s), lambda x, r=_r, s=_s: r(x, [0.0, 0.25 * s, s], axis=1), lambda x, r=_r, s=_s: r(x, 0.9 * s, axis=0, keepdims=True),
        lambda x, r=_r, s=_s: r(x, (0.1 * s, 0.6 * s), axis=(0, 1), keepdims=True), lambda x, r=_r, s=_s: r(x, np.array([[0.1, 0.2], [0.3, 0.4]]) * s, axis=1),
        lambda x, r=_r, s=_s: r(x, 0.3 * s, axis=0, out=np.zeros(7)), lambda x, r=_r, s=_s: r(x, 1), args=(MANY,),
    )  # fmt: skip
    for _m in METHODS if _r is np.quantile else ("hazen", "nearest", "midpoint"):
        add(_r, lambda x, r=_r, s=_s, m=_m: r(x, [0.0, 0.2 * s, 0.55 * s, s], axis=1, method=m), args=(MANY,))
    add(_r, lambda x, r=_r, s=_s: r(x, [0.3 * s, 0.8 * s], axis=1, weights=WEIGHTS, method="inverted_cdf"),
        lambda x, r=_r, s=_s: r(x, 0.5 * s, weights=MANY, method="inverted_cdf"), args=(MANY,))  # fmt: skip
    add(_r, lambda x, w, r=_r, s=_s: r(x, [0.4 * s], axis=1, weights=w, method="inverted_cdf"), args=(MANY, WEIGHTS))
for _r in (np.nanquantile, np.nanpercentile):
    add(
        _r,
        lambda x, r=_r: r(holed(x), 0.4, axis=1),
        lambda x, r=_r: r(holed(x), [0.2, 0.9]),
        lambda x, r=_r: r(holed(x), 0.5, axis=0, method="hazen"),
        args=(X,),
    )
# q differentiated too: by methods that are continuous in it a line between neighbours, by the others steps
for _m in METHODS:
    add(np.quantile, lambda x, q, m=_m: np.quantile(x, q, method=m), args=(FIVE, 0.37))
for _m in ("linear", "weibull", "inverted_cdf", "averaged_inverted_cdf"):
    add(np.nanquantile, lambda x, q, m=_m: np.nanquantile(holed(x), q, axis=1, method=m), args=(X, Q))
add(
    np.quantile,
    lambda x, q: np.quantile(x, q, axis=1, keepdims=True),
    lambda x, q: x[0, 0] * np.quantile([1.0, 2.0, 4.0], q),
    args=(MANY, Q),
)
add(np.quantile, lambda x: np.quantile(x, 0.4, axis=1, weights=WEIGHTS[0], method="inverted_cdf"), args=(MANY,))
add(np.percentile, lambda x, q: np.percentile(x, 100 * q, axis=1), args=(MANY, Q))
add(np.nanpercentile, lambda x, q: np.nanpercentile(x, 100 * q, axis=1), args=(MANY, Q))
