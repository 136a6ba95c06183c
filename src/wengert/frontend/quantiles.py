"""NumPy's medians, quantiles and percentiles, also those that pass over NaN.

Elements are fetched by their positions when sorted, and neighbours are interpolated: the derivative in the data goes
to the one or two elements that a quantile is made of (ties keep their order), the derivative in q is the slope between
them; at a corner the one to the right, at the upper end of the data the one to the left. Methods and weights are those
of Hyndman and Fan, Sample quantiles in statistical packages, The American Statistician 50, 1996, as NumPy has them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert.core.trace import Tracer
from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.asking import known
from wengert.frontend.choosing import take_along_axis
from wengert.frontend.reductions import mean, weights_for
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array, as_number
from wengert.ops import elementwise, order

_NO = np._NoValue  # type: ignore[attr-defined]


class Lines:
    """An array whose axes to be reduced are one axis in front; ``finish`` gives results NumPy's shape."""

    def __init__(self, a: Any, axis: Any, keepdims: Any) -> None:
        x = as_array(a)
        self.shape = shape_of(x)
        ndim = len(self.shape)
        axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
        self.axes, self.rest = axes, tuple(k for k in range(ndim) if k not in axes)
        self.keepdims = keepdims is not _NO and bool(keepdims)
        self.x = self.lined(x)

    def lined(self, x: Any) -> Any:
        """``x``, of the same shape, with the reduced axes as axis 0."""
        turned = np.transpose(x, (*sorted(self.axes), *self.rest))
        return np.reshape(turned, (prod(self.shape[k] for k in self.axes), *(self.shape[k] for k in self.rest)))

    def finish(self, value: Any, first: tuple[int, ...], out: Any, numbers: bool = True) -> Any:
        """A result for each of the lines, with axes ``first`` in front; a number where it has no axes."""
        rest = [1 if k in self.axes else n for k, n in enumerate(self.shape) if self.keepdims or k in self.rest]
        value = np.reshape(value, (*first, *rest))
        value = as_number(value) if numbers and not self.keepdims else value
        return value if out is None else into(out, value)


# ---- which elements, and how much of each: q and the number of elements n give a place in the sorted elements


def _between(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


def _upper_where(unless: Callable[[Any, Any], Any], shift: float) -> Callable[[Any, Any], Any]:
    """The element above the place, but the one below where ``unless(fraction, floor)``."""

    def place(n: Any, q: Any) -> Any:
        v = n * q + shift
        low = np.floor(v)
        return np.maximum(np.where(unless(v - low, low), low, low + 1), 0)

    return place


def _halves(n: Any, q: Any) -> Any:
    return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))


CONTINUOUS: dict[str, Callable[[Any, Any], Any]] = {
    "interpolated_inverted_cdf": _between(0, 1), "hazen": _between(0.5, 0.5), "weibull": _between(0, 0),
    "linear": lambda n, q: (n - 1) * q, "median_unbiased": _between(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _between(3 / 8.0, 3 / 8.0),
}  # fmt: skip
# method -> the place, and of the fraction between two elements how much of the upper one
AVERAGING: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "averaged_inverted_cdf": (lambda n, q: n * q - 1, lambda t, _v: np.where(t == 0, 0.5, 1.0)),
    "midpoint": (_halves, lambda _t, v: np.where(v % 1 == 0, 0.0, 0.5)),
}
DISCRETE: dict[str, Callable[[Any, Any], Any]] = {
    "inverted_cdf": _upper_where(lambda t, _low: t == 0, -1),
    "closest_observation": _upper_where(lambda t, low: (t == 0) & (low % 2 == 1), -1.5),
    "lower": lambda n, q: np.floor((n - 1) * q), "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.rint((n - 1) * q),
}  # fmt: skip
METHODS = (*CONTINUOUS, *AVERAGING, *DISCRETE)


def sorted_quantiles(x: Any, q: Any, method: str, n: Any, weak: bool) -> Any:
    """Quantiles ``q`` (of shape (k, 1, ...)) along axis 0 of ``x``, of whose sorted elements the first ``n`` count."""
    positions = order.argsort(x, axis=0, kind="stable")
    last = n - 1
    if not isinstance(n, int) and dtype_of(q).kind == "f":
        n = n.astype(dtype_of(q))

    def element(v: Any) -> Any:
        at = np.broadcast_to(np.clip(v.astype(np.intp), 0, last), (shape_of(q)[0], *shape_of(x)[1:]))
        return take_along_axis(x, take_along_axis(positions, at, 0), 0)

    if method in DISCRETE:
        return element(DISCRETE[method](n, elementwise.stop_gradient(q)))
    if method == "linear" and dtype_of(q).kind in "iub":
        return element((n - 1) * q)
    place, fraction = AVERAGING.get(method, (CONTINUOUS.get(method), None))
    assert place is not None
    v = place(n, q)
    low = np.floor(v)
    if isinstance(q, Tracer) and fraction is None:  # at the upper end the slope is the one before it
        low = np.where((v == last) & (last > 0), low - 1, low)
    below, above = element(low), element(low + 1)
    t = v - low if fraction is None else fraction(v - low, v).astype(dtype_of(v))
    return interpolated(below, above, t.astype(np.result_type(dtype_of(x), 0.0)) if weak else t)


def interpolated(a: Any, b: Any, t: Any) -> Any:
    """Between a and b: a + (b − a) t, rounded as NumPy does, from the nearer end, so that t = 1 gives b."""
    d = b - a
    return np.where(t >= 0.5, b - d * (1 - t), a + d * t)


# ---- weights: the first element at which the sum of the weights, in the order of the elements, reaches q of the total


def weighted_quantiles(x: Any, q: Any, weights: Any) -> Any:
    """The inverted distribution function of weighted elements: flat in the weights and in q."""
    positions = order.argsort(x, axis=0)
    w = np.broadcast_to(elementwise.stop_gradient(weights), shape_of(x))
    share = np.cumsum(take_along_axis(w, positions, 0), axis=0, dtype=np.float64)
    share = share / share[-1:]
    if np.any(np.isnan(known_or(share, 0.0))):
        raise ValueError("Weights included NaN, inf or were all zero.")
    q = elementwise.stop_gradient(q)
    share = share.astype(dtype_of(q)) if dtype_of(q).kind == "f" else share
    wrong = None if known(weights) is not None else np.isnan(share[-1]) | np.any(w < 0, axis=0)
    share = np.where(share == 0, -1, share)  # what has no weight is not the first
    at = np.minimum(np.sum(share[None] < q[:, None], axis=1), shape_of(x)[0] - 1)
    value = take_along_axis(x, take_along_axis(positions, at, 0), 0)
    return value if wrong is None else np.where(wrong, np.nan, value)


def known_or(x: Any, otherwise: Any) -> Any:
    """The plain value of ``x``, or ``otherwise`` where it is abstract."""
    value = known(x)
    return otherwise if value is None else value


# ---- NumPy's functions


def _checked(x: Any, q: Any, method: str, weights: Any, what: str) -> None:
    if dtype_of(x).kind == "c":
        raise TypeError("a must be an array of real numbers")
    values = np.asarray(known_or(q, 0.0))
    if not (values.size == 0 and values.ndim == 1) and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(f"{what}{at_line()}")
    if ndim_of(q) > 2:
        raise ValueError("q must be a scalar or 1d")
    if method not in METHODS:
        raise ValueError(f"{method!r} is not a valid method. Use one of: {sorted(METHODS)}")
    if weights is None:
        return
    if method != "inverted_cdf":
        raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
    if np.any(np.asarray(known_or(weights, 0.0)) < 0):
        raise ValueError("Weights must be non-negative.")


def _quantiles(
    a: Any, q: Any, axis: Any, out: Any, method: str, keepdims: Any, weights: Any, weak: bool, what: str, skip: bool
) -> Any:
    x = as_array(a)
    _checked(x, q, method, weights, what)
    if skip and not aval_of(x).size:
        return np.nanmean(x, axis, out=out, keepdims=keepdims)
    lines = Lines(x, axis, keepdims)
    w = None if weights is None else weights_for(weights, x, axis)
    first, lined = shape_of(q), lines.x
    n = shape_of(lined)[0]
    if not n:
        raise IndexError(f"quantiles of no elements: an array of shape {lines.shape} along axis {axis}{at_line()}")
    column = np.reshape(q, (prod(first), *(1,) * (ndim_of(lined) - 1)))
    nan = np.isnan(lined) if dtype_of(lined).kind == "f" else None
    if skip and nan is not None:
        value = _over_numbers(lined, nan, column, method, w, lines, weak)
        return lines.finish(_within_reach(value, column), first, out, w is None)
    if w is None:
        value = sorted_quantiles(lined, column, method, n, weak)
    else:
        value = weighted_quantiles(lined, column, lines.lined(np.broadcast_to(w, lines.shape)))
    if nan is not None:
        value = _with_nan(value, lined, nan)
    return lines.finish(_within_reach(value, column), first, out, w is None)


def _within_reach(value: Any, q: Any) -> Any:
    """NaN for a q outside of [0, 1] that has no value yet, and could not be refused."""
    return value if known(q) is not None else np.where((q >= 0) & (q <= 1), value, np.nan)


def _with_nan(value: Any, x: Any, nan: Any) -> Any:
    """Results of lines that have a NaN among their elements are that NaN."""
    bad = np.any(nan, axis=0)
    if not np.any(known_or(bad, True)):
        return value
    last = take_along_axis(x, np.argmax(nan, axis=0, keepdims=True), 0)[0]
    return np.where(bad, last.astype(dtype_of(value)), value)


def _over_numbers(x: Any, nan: Any, q: Any, method: str, weights: Any, lines: Lines, weak: bool) -> Any:
    """Quantiles of what is no NaN; these stand last when sorted."""
    n = np.sum(~nan, axis=0)
    _warn_of_nothing(n)
    x = np.where(n == 0, 0, x)  # no NaN is differentiated
    if weights is None:
        value = sorted_quantiles(x, q, method, np.maximum(n, 1), weak)
    else:
        w = np.where(nan, 0, lines.lined(np.broadcast_to(weights, lines.shape)))
        value = weighted_quantiles(x, q, np.where(n == 0, 1, w))
    return nan_where(n == 0, value)


def nan_where(nothing: Any, value: Any) -> Any:
    """NaN, without a derivative, where there is nothing to make a value of."""
    if not np.any(known_or(nothing, True)):
        return value
    return as_number(np.where(nothing, dtype_of(value).type(np.nan), value))


def _warn_of_nothing(n: Any) -> None:
    if np.any(known_or(n, 1) == 0):
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=3)


def _is_weak(q: Any) -> bool:
    return aval_of(q).kind == "python" if not isinstance(q, list | tuple) else False


def _quantile_rule(skip: bool) -> Any:
    def rule(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
        keepdims: Any = False, *, weights: Any = None, interpolation: Any = None,
    ) -> Any:  # fmt: skip
        del overwrite_input  # what a call leaves in its argument is not said: here, what it was
        method = method if interpolation is None else interpolation
        what = "Quantiles must be in the range [0, 1]"
        return _quantiles(a, as_array(q), axis, out, method, keepdims, weights, _is_weak(q), what, skip)

    return rule


def _percentile_rule(skip: bool) -> Any:
    def rule(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
        keepdims: Any = False, *, weights: Any = None, interpolation: Any = None,
    ) -> Any:  # fmt: skip
        del overwrite_input
        method = method if interpolation is None else interpolation
        what = "Percentiles must be in the range [0, 100]"
        share = np.true_divide(as_array(q), 100)
        return _quantiles(a, share, axis, out, method, keepdims, weights, _is_weak(q), what, skip)

    return rule


implements(np.quantile)(_quantile_rule(skip=False))
implements(np.percentile)(_percentile_rule(skip=False))
implements(np.nanquantile)(_quantile_rule(skip=True))
implements(np.nanpercentile)(_percentile_rule(skip=True))


@implements(np.median)
def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    del overwrite_input
    lines = Lines(a, axis, keepdims)
    x = lines.x
    n = shape_of(x)[0]
    if not n or not aval_of(x).size:
        return mean(as_array(a), lines.axes, out=out, keepdims=lines.keepdims)
    positions = order.argsort(x, axis=0, kind="stable")[(n - 1) // 2 : n // 2 + 1]
    value = mean(take_along_axis(x, positions, 0), axis=0)
    if dtype_of(x).kind in "fc":
        value = _with_nan(value, x, np.isnan(x))
    return lines.finish(value, (), out)


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = _NO) -> Any:
    x = as_array(a)
    if not aval_of(x).size:
        return np.nanmean(x, axis, out=out, keepdims=keepdims)
    if dtype_of(x).kind not in "fc":
        return median(x, axis, out, overwrite_input, keepdims)
    lines = Lines(x, axis, keepdims)
    x = lines.x
    n = np.sum(~np.isnan(x), axis=0)
    _warn_of_nothing(n)
    positions = order.argsort(x, axis=0, kind="stable")
    middle = np.stack([np.maximum(n - 1, 0) // 2, np.minimum(n // 2, shape_of(x)[0] - 1)])
    value = mean(take_along_axis(x, take_along_axis(positions, middle, 0), 0), axis=0)
    return lines.finish(nan_where(n == 0, value), (), out)
