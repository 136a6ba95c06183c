"""NumPy's histograms: sums of weights by bin.

A histogram is linear in the weights, and flat in the data but for what the data say of the edges: where NumPy lays
these between the least and the greatest element, they move with the two, and densities with the edges.
"""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any

import numpy as np

from wengert.core.trace import Tracer, plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.asking import answer, known, stand_in
from wengert.frontend.reductions import as_dtype
from wengert.frontend.shaping import ravel
from wengert.frontend.tables import implements, tracers_in
from wengert.frontend.values import as_array
from wengert.ops.elementwise import stop_gradient
from wengert.ops.index import ARRAY, scatter_add
from wengert.ops.order import searchsorted


def _outer_edges(x: Any, span: Any) -> tuple[Any, Any]:
    """The least and the greatest edge: those given, or those of the data; apart where they are one."""
    if span is not None:
        low, high = span
    else:
        low, high = (np.min(x), np.max(x)) if shape_of(x)[0] else (0, 1)
    values = known(low), known(high)
    if values[0] is None or values[1] is None:
        return np.where(low == high, low - 0.5, low), np.where(low == high, high + 0.5, high)
    if values[0] > values[1]:
        raise ValueError("max must be larger than min in range parameter.")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{'autodetected' if span is None else 'supplied'} range of {list(values)} is not finite")
    return (low - 0.5, high + 0.5) if values[0] == values[1] else (low, high)


def _evenly(first: Any, last: Any, bins: Any, dtype: np.dtype[Any]) -> Any:
    """The edges of bins of one width, rounded as np.linspace rounds them."""
    count = index(bins)
    if count < 1:
        raise ValueError("`bins` must be positive, when an integer")
    first, last = (as_dtype(as_array(e), dtype) for e in (first, last))
    inner = np.arange(count, dtype=dtype) * ((last - first) / dtype.type(count)) + first
    return np.concatenate([inner, np.reshape(last, (1,))])


def _edges(x: Any, bins: Any, span: Any, weights: Any) -> Any:
    """The edges of bins, as traced as they are made of traced values."""
    bins = as_array(bins) if isinstance(bins, list | tuple) else bins
    values = known(x)
    if values is not None and not tracers_in((span,)):
        bare = np.histogram_bin_edges(values, plain(bins), span, None if weights is None else stand_in(weights))
        if span is not None and (isinstance(bins, str) or not ndim_of(bins)):
            return bare
        if isinstance(bins, str):
            bins = len(bare) - 1
    elif isinstance(bins, str):
        plain(x)  # how many bins there are takes the values to say
    if ndim_of(bins):
        return bins
    first, last = _outer_edges(x, span)
    dtype = np.result_type(*(dtype_of(as_array(v)) for v in (first, last)), dtype_of(x))
    return _evenly(first, last, bins, dtype if dtype.kind in "fc" else np.result_type(dtype, float))


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:  # noqa: A002
    return _edges(_data(a), bins, range, None if weights is None else ravel(_fitting(weights, a)))


def _data(a: Any) -> Any:
    x = ravel(as_array(a))
    return x.astype(np.uint8) if dtype_of(x).kind == "b" else x


def _positions(x: Any, edges: Any) -> Any:
    """The number of the bin of each element, from 1 on: 0 is below them all; to the last bin its upper edge belongs."""
    x, edges = stop_gradient(x), stop_gradient(edges)
    at = searchsorted(edges, x, side="right")
    return np.where(x == edges[-1], at - 1, at)


def _sums(positions: Any, weights: Any, count: int) -> Any:
    """Sums of the weights with each position, of which there are ``count``."""
    return scatter_add(weights, positions, shape=(count,), index=(ARRAY,))


def _summed_in(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which NumPy adds up weights."""
    return (
        np.dtype(float) if np.can_cast(dtype, float) else np.result_type(dtype, complex) if dtype.kind == "c" else dtype
    )


@implements(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:  # noqa: A002
    x = _data(a)
    w = None if weights is None else ravel(_fitting(weights, a))
    edges = _edges(x, bins, range, w)
    count = shape_of(edges)[0] - 1
    at = _positions(x, edges)
    if w is None:
        n = _sums(at, np.ones(shape_of(x), np.intp), count + 2)[1:-1]
    else:
        n = as_dtype(_sums(at, as_dtype(w, _summed_in(dtype_of(w))), count + 2)[1:-1], dtype_of(w))
    if not density:
        return n, edges
    widths = as_dtype(np.diff(edges), np.dtype(float))
    return n / widths / np.sum(n), edges


def _fitting(weights: Any, a: Any) -> Any:
    w = as_array(weights)
    if shape_of(w) != shape_of(as_array(a)):
        raise ValueError(f"weights should have the same shape as a: {shape_of(w)}, {shape_of(as_array(a))}{at_line()}")
    return w


@implements(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:  # noqa: A002
    columns = _columns(sample)
    edges = [_axis_edges(*each) for each in zip(columns, *_each(bins, range, len(columns)), strict=True)]
    counts = [shape_of(e)[0] + 1 for e in edges]  # with one more at each end, for what is outside
    place: Any = 0
    for x, e, count in zip(columns, edges, counts, strict=True):
        place = place * count + _positions(x, e)
    w = np.ones(shape_of(columns[0])) if weights is None else as_array(weights)
    if not np.can_cast(dtype_of(w), float):
        raise TypeError(f"Cannot cast array data from {dtype_of(w)!r} to dtype('float64') according to the rule 'safe'")
    if shape_of(w) != shape_of(columns[0]):
        raise ValueError(f"The weights and list don't have the same length: {shape_of(w)}, {shape_of(columns[0])}")
    hist = np.reshape(_sums(place, as_dtype(w, np.dtype(float)), prod(counts)), counts)
    hist = hist[(slice(1, -1),) * len(counts)]
    if density:
        total = np.sum(hist)
        for k, e in enumerate(edges):
            hist = hist / np.reshape(np.diff(e), [-1 if j == k else 1 for j in np.arange(len(edges))])
        hist = hist / total
    return hist, edges


def _columns(sample: Any) -> list[Any]:
    """The coordinates of the points: the columns of an array, or the arrays of a sequence."""
    if isinstance(sample, list | tuple):
        rows = [as_array(x) for x in sample]
        return rows if all(ndim_of(x) == 1 for x in rows) else [ravel(x) for x in rows]
    x = as_array(sample)
    if ndim_of(x) == 2:
        return [x[:, k] for k in np.arange(shape_of(x)[1])]
    if ndim_of(x) == 1:
        return [x]
    raise ShapeError(f"points in an array of shape {shape_of(x)}: no rows and columns{at_line()}\n  write: x[:, None]")


def _each(bins: Any, span: Any, dimensions: int) -> tuple[Any, Any]:
    """Bins and ranges for each dimension."""
    bins = [bins] * dimensions if not isinstance(bins, list | tuple) and not ndim_of(bins) else bins
    if len(bins) != dimensions:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    if span is not None and len(span) != dimensions:
        raise ValueError("range argument must have one entry per dimension")
    return bins, span or [None] * dimensions


def _axis_edges(x: Any, bins: Any, span: Any) -> Any:
    values = known(x)
    if isinstance(bins, list | tuple):
        bins = as_array(bins)
    if not isinstance(bins, Tracer) and values is not None and not tracers_in((span,)):
        _, (bare,) = np.histogramdd(values, [bins], None if span is None else [span])  # for NumPy's errors
        if span is not None and not np.ndim(bins):
            return bare
    if ndim_of(bins):
        return bins
    first, last = _outer_edges(x, span)
    return _evenly(first, last, bins, np.result_type(dtype_of(as_array(first)), dtype_of(as_array(last)), 1.0))


@implements(np.histogram2d)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: Any = None,
    weights: Any = None,
) -> Any:
    if shape_of(as_array(x)) != shape_of(as_array(y)):
        raise ValueError("x and y must have the same length.")
    if isinstance(bins, list | tuple | np.ndarray) and len(bins) not in (1, 2):
        edges = as_array(bins)
        bins = [edges, edges]
    hist, edges = histogramdd([x, y], bins, range, density, weights)
    return hist, edges[0], edges[1]


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    """How often each integer occurs, or the sum of the weights with it: linear in the weights."""
    at = plain(x) if isinstance(x, Tracer) else x
    if weights is None:
        return np.bincount(at, minlength=minlength)
    w = as_array(weights)
    example = answer(np.bincount, at, w, minlength)
    return _sums(np.asarray(at).astype(np.intp), as_dtype(w, np.dtype(float)), len(example))
