"""Calls of NumPy's statistics: functions that pass over NaN, covariances, histograms, sets, as users write them."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.frontend._cases import FIVE, MASK, TABLE, V, W, X, Y, add
from tests.frontend._harness import draw

AT_LEAST_21 = np.lib.NumpyVersion(np.__version__) >= "2.1.0"
WIDE = draw("wide", 3, 5)
HOLES = np.array([[True, False, True], [True, True, False]])
ROW_GONE = np.array([[True, True, True], [False, False, False]])


def holed(x: Any, where: Any = HOLES) -> Any:
    """``x`` with NaN where the mask is false."""
    return np.where(where, x, np.nan)


# ---- reductions with rare options

for _r in (np.max, np.min):
    add(
        _r, lambda x, r=_r: r(x, axis=1, where=MASK, initial=0.9), lambda x, r=_r: r(x, where=MASK, initial=-5.0, keepdims=True),
        lambda x, r=_r: r(x, axis=1, where=x > 1.0, initial=1.0), lambda x, r=_r: r(x, axis=0, initial=1.1, out=np.zeros(3)),
        lambda x, r=_r: r(x, axis=(1, 0), keepdims=1), args=(X,),
    )  # fmt: skip
    add(
        _r,
        lambda x, a, r=_r: r(x, axis=1, initial=a),
        lambda x, a, r=_r: r(x, axis=0, where=MASK, initial=a),
        args=(X, 1.2),
    )
for _r in (np.sum, np.prod, np.mean):
    add(_r, lambda x, r=_r: r(x, axis=1, keepdims=1), lambda x, r=_r: r(x[0, 0], axis=None), lambda x, r=_r: r(holed(x), axis=1, where=HOLES), args=(X,))  # fmt: skip
for _r in (np.var, np.std):
    add(_r, lambda x, r=_r: r(holed(x), axis=1, where=HOLES), lambda x, r=_r: r(x, mean=0.3), lambda x, r=_r: r(x, axis=0, where=True, keepdims=1),
        lambda x, r=_r: r(x + 1j * x[::-1], axis=1), args=(X,))  # fmt: skip
for _r in (np.any, np.all):
    add(_r, lambda x, r=_r: x * r(x > 1.0, where=MASK), lambda x, r=_r: x * r(x, axis=0, where=MASK), lambda x, r=_r: x * r(x - x, where=x > 1.0),
        lambda x, r=_r: x * r(x, axis=1, out=np.zeros(2, bool), keepdims=False)[:, None], args=(X,))  # fmt: skip
for _r in (np.argmax, np.argmin):
    add(_r, lambda x, r=_r: x * r(x, axis=1, keepdims=True), lambda x, r=_r: x * r(x, keepdims=True), lambda x, r=_r: r(x, axis=0, out=np.zeros(3, int)),
        args=(X,))  # fmt: skip
add(np.average, lambda x: np.average(x, axis=(0, 1), weights=Y), lambda x: np.average(x, axis=(1, 0), weights=Y.T),
    lambda x: np.average(x, axis=(0, 1)), args=(X,))  # fmt: skip
for _name in ("cumulative_sum", "cumulative_prod"):
    if hasattr(np, _name):
        _r = getattr(np, _name)
        add(_r, _r, lambda x, r=_r: r(x, include_initial=True), args=(V,))
        add(_r, lambda x, r=_r: r(x, axis=1), lambda x, r=_r: r(x, axis=0, include_initial=True), lambda x, r=_r: r(x, axis=-1, dtype=np.float64),
            lambda x, r=_r: r(x, axis=0, out=np.zeros((2, 3))), lambda x, r=_r: r(x, axis=1, include_initial=True, out=np.zeros((2, 4))),
            args=(X,))  # fmt: skip

# ---- passing over NaN

for _r in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin):
    add(
        _r, _r, lambda x, r=_r: r(holed(x)), lambda x, r=_r: r(holed(x), axis=1), lambda x, r=_r: r(holed(x), axis=0, keepdims=True),
        lambda x, r=_r: r(holed(x), axis=(0, 1), keepdims=True), lambda x, r=_r: r(holed(x), axis=1, out=np.zeros(2)),
        lambda x, r=_r: r(holed(x), axis=-1, keepdims=np._NoValue), args=(X,),  # type: ignore[attr-defined]
    )  # fmt: skip
    add(_r, _r, args=(1.3,))
for _r in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd):
    add(
        _r,
        lambda x, r=_r: r(holed(x), dtype=np.float64),
        lambda x, r=_r: r(holed(x), axis=1, where=np.array([True, True, True])),
        args=(X,),
    )
for _r in (np.nansum, np.nanprod):
    add(_r, lambda x, r=_r: r(holed(x), axis=1, initial=2.0), lambda x, r=_r: r(holed(x, ROW_GONE), axis=1), args=(X,))
for _r in (np.nanvar, np.nanstd):
    add(_r, lambda x, r=_r: r(holed(x), ddof=1), lambda x, r=_r: r(holed(x), axis=1, correction=1), lambda x, r=_r: r(holed(x), axis=1, mean=np.ones((2, 1), x.dtype)),
        args=(X,))  # fmt: skip
for _r in (np.nanmax, np.nanmin):
    add(
        _r,
        lambda x, r=_r: r(holed(x), axis=1, initial=1.0),
        lambda x, r=_r: r(holed(x), axis=0, where=MASK, initial=0.7),
        args=(X,),
    )
for _r in (np.nancumsum, np.nancumprod):
    add(_r, _r, lambda x, r=_r: r(holed(x)), lambda x, r=_r: r(holed(x), axis=1), lambda x, r=_r: r(holed(x), axis=0, dtype=np.float64),
        lambda x, r=_r: r(holed(x), axis=0, out=np.zeros((2, 3))), args=(X,))  # fmt: skip
for _r in (np.nanargmax, np.nanargmin):
    add(_r, lambda x, r=_r: x + r(holed(x)), lambda x, r=_r: x[[0, 1], r(holed(x), axis=1)], lambda x, r=_r: x * r(holed(x), axis=1, keepdims=True),
        lambda x, r=_r: r(x, axis=0, out=np.zeros(3, int)), args=(X,))  # fmt: skip

# ---- covariances

add(np.cov, np.cov, lambda x: np.cov(x, rowvar=False), lambda x: np.cov(x, bias=True), lambda x: np.cov(x, ddof=0), lambda x: np.cov(x, fweights=[1, 2, 3, 1, 2]),
    lambda x: np.cov(x, aweights=[1.0, 2.0, 0.5, 0.3, 0.2]), lambda x: np.cov(x, fweights=[1, 2, 3, 1, 2], aweights=[1.0, 2.0, 0.5, 0.3, 0.2], ddof=2),
    lambda x: np.cov(x, x[:1] ** 2), lambda x: np.cov(x[0]), lambda x: np.cov(x[0], x[1]), lambda x: np.cov(x, WIDE * x, rowvar=0),
    lambda x: np.cov(x, dtype=np.float64), lambda x: np.real(np.cov(x + 1j * x**2)), args=(WIDE,))  # fmt: skip
add(
    np.cov, lambda x, w: np.cov(x, aweights=w), lambda x, w: np.cov(x, aweights=w, ddof=0, bias=True), args=(WIDE, FIVE)
)
add(np.corrcoef, np.corrcoef, lambda x: np.corrcoef(x, rowvar=False), lambda x: np.corrcoef(x, x[:1] ** 2), lambda x: np.corrcoef(x[0], x[1])[0, 1],
    lambda x: np.corrcoef(x, dtype=np.float64), lambda x: np.corrcoef(x[0]), lambda x: np.real(np.corrcoef(x + 1j * x**2)), args=(WIDE,))  # fmt: skip

# ---- histograms

EDGES = np.array([0.1, 0.6, 1.0, 2.0])
add(np.histogram, lambda w: np.histogram(V, 3, weights=w)[0], lambda w: np.histogram(V, EDGES, weights=w), lambda w: np.histogram(V, 4, (0.3, 1.5), weights=w)[0],
    lambda w: np.histogram(V, EDGES, density=True, weights=w), lambda w: np.histogram(V, [0.6, 1.0], weights=w)[0], args=(W,))  # fmt: skip
add(np.histogram, lambda x: np.histogram(x, EDGES)[0] * x[0], lambda x: np.histogram(x, 3, (0.0, 2.0), density=True)[0] * x[0],
    lambda x: np.histogram(x, 4, density=True), lambda x: np.histogram(x, 3), lambda x: np.histogram(x, x[0] + np.array([-1.0, 0.01, 0.3, 2.0]), density=True),
    lambda x: np.histogram(x, 3, (np.min(x) - 0.1, np.max(x) + 0.1)), args=(FIVE,))  # fmt: skip
add(np.histogram, lambda x: np.histogram(x, "sturges"), args=(FIVE,), abstract=False)
add(np.histogram_bin_edges, lambda x: np.histogram_bin_edges(x), lambda x: np.histogram_bin_edges(x, 3), lambda x: np.histogram_bin_edges(x, [0.0, 1.0]) * x[0],
    lambda x: np.histogram_bin_edges(x, 2, (0.0, 1.0)) * x[0], args=(FIVE,))  # fmt: skip
add(np.histogram2d, lambda x, y: np.histogram2d(x, y, [2, 3], density=True), lambda x, y: np.histogram2d(x, y, 2, [[0, 2], [0, 2]], weights=x * y),
    lambda x, y: np.histogram2d(x, y, EDGES, weights=y)[0], lambda x, y: np.histogram2d(x, y, [EDGES, 2], weights=y), args=(V, W))  # fmt: skip
add(np.histogramdd, lambda p: np.histogramdd(p, 2, density=True), lambda p: np.histogramdd((p[:, 0], p[:, 1]), (EDGES, 2), weights=p[:, 0] ** 2),
    lambda p: np.histogramdd(p, [2, 2], [(0, 2), None], weights=p[:, 1])[0], args=(draw("points", 4, 2),))  # fmt: skip
add(np.bincount, lambda w: np.bincount([0, 2, 2], w), lambda w: np.bincount(np.array([1, 0, 1]), weights=w, minlength=5),
    lambda w: np.bincount([3, 0, 3], w * w, 2), args=(V,))  # fmt: skip
add(np.bincount, lambda x: np.bincount((3 * x).astype(int)) * x[0], args=(V,), abstract=False)

# ---- sorting and searching

for _r in (np.sort, np.argsort):
    add(_r, lambda x, r=_r: x * r(x, axis=0, kind="heapsort"), lambda x, r=_r: x * r(np.round(x), kind="stable"), lambda x, r=_r: x * r(x, stable=True),
        args=(X,))  # fmt: skip
add(np.partition, lambda x: np.partition(x, 2), lambda x: np.partition(x, [1, -1]), args=(draw("seven", 7),))
add(np.partition, lambda x: np.partition(x, 1, axis=0), lambda x: np.partition(x, 3, axis=None), args=(X,))
add(np.argpartition, lambda x: x * np.argpartition(x, 1, axis=1), args=(X,))
add(np.sort_complex, np.sort_complex, lambda x: np.real(np.sort_complex(x + 1j * x**2)), args=(V,))
add(np.lexsort, lambda x: x[0][np.lexsort((x[0], x[1]))], lambda x: np.take_along_axis(x, np.lexsort((x, np.round(x)), axis=1), 1), lambda x: x[1][np.lexsort(x)],
    args=(X,))  # fmt: skip
add(np.searchsorted, lambda x: x * np.searchsorted(EDGES, x), lambda x: x * np.searchsorted(np.sort(x), 0.9, side="right"),
    lambda x: x * np.searchsorted(x, [0.5, 1.0], sorter=np.argsort(x))[0], lambda x: np.searchsorted(EDGES, x[0]) + x, args=(V,))  # fmt: skip
add(
    np.digitize,
    lambda x: x * np.digitize(x, EDGES),
    lambda x: x * np.digitize(x, EDGES[::-1], right=True),
    lambda x: x[0, 0] * np.digitize(x, EDGES, right=True),
    args=(X,),
)
add(
    np.isin,
    lambda x: x * np.isin(x, [1.0, 0.3]),
    lambda x: x * np.isin(x, x[0]),
    lambda x: x * np.isin(x, [1.0], assume_unique=True, invert=True, kind="sort"),
    args=(X,),
)
if hasattr(np, "in1d"):
    add(getattr(np, "in1d"), lambda x: np.ravel(x) * getattr(np, "in1d")(x, x[0]), args=(X,))  # noqa: B009
add(np.argwhere, lambda x: x[tuple(np.argwhere(x > 1.0)[0])], lambda x: np.argwhere(x), args=(X,), abstract=False)
add(np.extract, lambda x: np.extract([1, 0, 1, 0, 0, 2], x), args=(X,))

# ---- sets


def tied(x: Any) -> Any:
    return np.concatenate([x, x[:2], x[1:]])


for _r in (np.unique, np.unique_values):
    add(_r, _r, lambda x, r=_r: r(tied(x)), args=(V,), abstract=False)
add(np.unique, lambda x: np.unique(tied(x), return_index=True, return_inverse=True, return_counts=True), lambda x: np.unique(tied(x), return_counts=True),
    lambda x: np.unique(np.stack([x, W, x]), axis=0), lambda x: np.unique(np.stack([x, W, x], axis=1), axis=-1, return_inverse=True),
    args=(V,), abstract=False)  # fmt: skip
for _r in (np.unique_all, np.unique_counts, np.unique_inverse):
    add(_r, lambda x, r=_r: tuple(r(tied(x))), args=(V,), abstract=False)
for _r in (np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d):
    add(
        _r,
        lambda x, y, r=_r: r(tied(x), np.append(y, x[0])),
        lambda x, y, r=_r: r([0.3, 0.4], np.append(x, y)),
        args=(V, W),
        abstract=False,
    )
add(
    np.intersect1d,
    lambda x: np.intersect1d(tied(x), x[1:], return_indices=True),
    lambda x: np.intersect1d(x, x[1:], assume_unique=True),
    args=(V,),
    abstract=False,
)
add(np.setdiff1d, lambda x: np.setdiff1d(tied(x), x[:1], assume_unique=True), args=(V,), abstract=False)
add(
    np.ediff1d,
    np.ediff1d,
    lambda x: np.ediff1d(x, to_begin=[1.0, 2.0]),
    lambda x: np.ediff1d(x, 5.0, x[0, :2]),
    args=(X,),
)

# ---- comparisons and parts

add(
    np.array_equiv,
    lambda x: x * np.array_equiv(x, x[0]),
    lambda x: x * np.array_equiv(x, x + 0.0),
    args=(X,),
    abstract=False,
)
add(np.array_equiv, lambda x: x * np.array_equiv(x, np.zeros(4)), args=(X,))
add(
    np.isclose,
    lambda x: x * np.isclose(x, [1.0, 2.0, 3.0], rtol=0.3, atol=np.array([0.0, 0.1, 0.2])),
    lambda x: x * np.isclose(x[0], x),
    args=(X,),
)
add(np.isreal, lambda x: x * np.isreal(x), lambda x: x * np.isreal(x + 1j * (x > 1.0)), args=(X,))
add(np.iscomplex, lambda x: x * np.iscomplex(x), lambda x: x * np.iscomplex(x + 1j * (x > 1.0)), args=(X,))
for _r in (np.isposinf, np.isneginf):
    add(
        _r,
        lambda x, r=_r: x * r(np.where(MASK, x, -np.inf)),
        lambda x, r=_r: x * r(np.where(MASK, x, np.inf), out=np.zeros((2, 3), bool)),
        args=(X,),
    )
add(np.real_if_close, np.real_if_close, args=(X,))
add(
    np.real_if_close,
    lambda x: np.real_if_close(x + 1e-20j),
    lambda x: np.real(np.real_if_close(x * (1 + 1j))),
    args=(X,),
    abstract=False,
)
add(np.clip, lambda x: np.clip(x, x[0] - 0.1, x[1] + 0.1), lambda x: np.clip(x, [0.5, 0.6, 0.7], None), lambda x: np.clip(x, None, x[0, 0]), lambda x: np.clip(x, None, None),
    lambda x: np.clip(x, 0.6, 1.4, out=np.ones((2, 3)), where=MASK), lambda x: np.clip(x, 0.6, 1.4, dtype=np.float64), args=(X,))  # fmt: skip
if AT_LEAST_21:
    add(np.clip, lambda x: np.clip(x, min=0.6, max=[1.0, 1.1, 1.2]), lambda x: np.clip(x), args=(X,))

assert TABLE
