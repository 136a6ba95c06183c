"""NumPy's numerical functions: interpolation, differences, quadrature, convolution, special values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.trace import Tracer
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.asking import answer, rehearse, small
from wengert.frontend.indexing import getitem
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array, as_number, common_dtype
from wengert.ops.convolve import bracket, convolve
from wengert.ops.shape import reshape


def floats(x: Any, kind: Any = None) -> Any:
    """``x`` as an array of floats: of ``kind``, or of its own where that is inexact, else of doubles."""
    x = as_array(x)
    if kind is None:
        kind = dtype_of(x) if dtype_of(x).kind in "fc" else np.dtype(float)
    return x if dtype_of(x) == kind else x.astype(kind)


def along(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """``x`` from ``start`` to ``stop`` along an axis."""
    return x[(slice(None),) * axis + (slice(start, stop),)]


# ---- interpolation


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """The line through the two knots beside each ``x``. At a knot the derivative is that to its right."""
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    answer(np.interp, small(x), xp, fp, left, right, None if period is None else 1.0)
    left, right = (left, right) if period is None else (None, None)
    kind = np.dtype(complex if any(dtype_of(v).kind == "c" for v in (fp, left, right) if v is not None) else float)
    number = not ndim_of(x)
    x, xp, fp = floats(x, np.dtype(float)), floats(xp, np.dtype(float)), floats(fp, kind)
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
    n = shape_of(xp)[0]
    at = bracket(x, xp)
    knot, piece = np.clip(at, 0, n - 1), np.clip(at, 0, max(n - 2, 0))
    width = np.diff(xp) if n > 1 else np.ones_like(xp)
    flat = width == 0  # knots that coincide: no number lies between them
    slope = np.where(flat, 0.0, (np.diff(fp) if n > 1 else 0 * fp) / np.where(flat, 1.0, width))
    y = getitem(slope, piece) * (x - getitem(xp, knot)) + getitem(fp, knot)
    y = np.where(x < xp[0], fp[0] if left is None else left, y)
    y = np.where(x > xp[-1], fp[-1] if right is None else right, y)
    return as_number(y) if number else y


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Numbers and knots brought into one period, with a knot more at either end."""
    if not isinstance(period, Tracer) and period == 0:
        raise ValueError(f"period must be a non-zero value{at_line()}")
    period = np.abs(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = getitem(xp, order), getitem(fp, order)
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


# ---- differences and quadrature


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences inside, one-sided ones of first or second order at the edges, for any spacing."""
    f = floats(f)
    answer(np.gradient, f, *varargs, axis=axis, edge_order=edge_order)
    ndim = ndim_of(f)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    spacings = varargs or (1.0,)
    if len(spacings) == 1:
        spacings = spacings * len(axes)
    out = tuple(_slope(f, h, k, edge_order) for h, k in zip(spacings, axes, strict=True))
    return out[0] if len(out) == 1 else out


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    kind, ndim, h = dtype_of(f), ndim_of(f), as_array(h) if isinstance(h, list | tuple) else h
    if ndim_of(h):
        d = np.diff(floats(h))
        if not isinstance(d, Tracer) and np.all(d == d[0]):
            d = d[:1]
        d = reshape(d, shape=tuple(shape_of(d)[0] if k == axis else 1 for k in range(ndim)))
        if shape_of(d)[axis] > 1:
            return _uneven(f, d, axis, edge_order).astype(kind)
        h = d
    return _even(f, h, axis, edge_order).astype(kind)


def _even(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    inside = (along(f, axis, 2, None) - along(f, axis, None, -2)) / (2.0 * h)
    if edge_order == 1:
        first = (along(f, axis, 1, 2) - along(f, axis, 0, 1)) / h
        last = (along(f, axis, -1, None) - along(f, axis, -2, -1)) / h
    else:
        a, b, c = (along(f, axis, k, k + 1) for k in range(3))
        first = (-1.5 / h) * a + (2.0 / h) * b + (-0.5 / h) * c
        a, b, c = along(f, axis, -3, -2), along(f, axis, -2, -1), along(f, axis, -1, None)
        last = (0.5 / h) * a + (-2.0 / h) * b + (1.5 / h) * c
    return np.concatenate([first, inside, last], axis=axis)


def _uneven(f: Any, d: Any, axis: int, edge_order: int) -> Any:
    """By the parabola through three points (Fornberg 1988)."""
    p, q = along(d, axis, 0, -1), along(d, axis, 1, None)
    a, b, c = -q / (p * (p + q)), (q - p) / (p * q), p / (q * (p + q))
    inside = a * along(f, axis, None, -2) + b * along(f, axis, 1, -1) + c * along(f, axis, 2, None)
    if edge_order == 1:
        first = (along(f, axis, 1, 2) - along(f, axis, 0, 1)) / along(d, axis, 0, 1)
        last = (along(f, axis, -1, None) - along(f, axis, -2, -1)) / along(d, axis, -1, None)
    else:
        p, q = along(d, axis, 0, 1), along(d, axis, 1, 2)
        a, b, c = -(2.0 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))
        first = a * along(f, axis, 0, 1) + b * along(f, axis, 1, 2) + c * along(f, axis, 2, 3)
        p, q = along(d, axis, -2, -1), along(d, axis, -1, None)
        a, b, c = q / (p * (p + q)), -(q + p) / (p * q), (2.0 * q + p) / (q * (p + q))
        last = a * along(f, axis, -3, -2) + b * along(f, axis, -2, -1) + c * along(f, axis, -1, None)
    return np.concatenate([first, inside, last], axis=axis)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Σ (x_(k+1) − x_k)(y_k + y_(k+1))/2."""
    y = as_array(y)
    k = normalize_axis_index(axis, ndim_of(y))
    if x is None:
        d = dx
    else:
        x = as_array(x)
        if ndim_of(x) == 1:
            d = np.diff(x)
            d = reshape(d, shape=tuple(shape_of(d)[0] if j == k else 1 for j in range(ndim_of(y))))
        else:
            d = np.diff(x, axis=axis)
    return np.sum(d * (along(y, k, 1, None) + along(y, k, None, -1)) / 2.0, axis=k)


for _name in ("trapezoid", "trapz"):
    if hasattr(np, _name):
        implements(getattr(np, _name))(trapezoid)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 6.283185307179586) -> Any:
    """``p`` with whole periods added where it jumps by more than half of one."""
    p = as_array(p)
    axis = normalize_axis_index(axis, ndim_of(p))
    d = np.diff(p, axis=axis)
    kind = common_dtype((d, period))
    half = period / 2
    discont = half if discont is None else discont
    rest = (d + half) % period - half
    rest = np.where((rest == -half) & (d > 0), half, rest)
    jump = np.where(np.abs(d) < discont, 0.0, rest - d)
    tail = along(p, axis, 1, None) + np.cumsum(jump, axis=axis)
    return np.concatenate([along(p, axis, 0, 1), tail], axis=axis).astype(kind)


# ---- convolution


@implements(np.convolve)
def convolve_(a: Any, v: Any, mode: Any = "full") -> Any:
    """Σ a_i v_(k−i)."""
    rehearse(np.convolve, _line(a), _line(v), mode)
    return _middle(*_pair(a, v), mode, front=True)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """Σ a_(k+i) conj(v_i)."""
    rehearse(np.correlate, as_array(a), as_array(v), mode)
    x, y = _pair(a, v)
    y = np.conjugate(y) if dtype_of(y).kind == "c" else y
    return _middle(x, y[::-1], mode, front=shape_of(x)[0] >= shape_of(y)[0])


def _line(x: Any) -> Any:
    x = as_array(x)
    return x if ndim_of(x) else reshape(x, shape=(1,))


def _pair(a: Any, v: Any) -> tuple[Any, Any]:
    x, y = _line(a), _line(v)
    kind = np.result_type(dtype_of(x), dtype_of(y))
    return floats(x, kind), floats(y, kind)


def _middle(x: Any, y: Any, mode: Any, front: bool) -> Any:
    """The full convolution, or the part of it that a mode keeps."""
    full = convolve(x, y)
    n, m = sorted((shape_of(x)[0], shape_of(y)[0]))
    name = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    if name == "full":
        return full
    if name == "valid":
        return full[n - 1 : m]
    start = (n - 1) // 2 if front else n // 2
    return full[start : start + m]
