"""np.pad, in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.frontend.asking import answer
from wengert.frontend.moving import element_numbers, gather
from wengert.frontend.shaping import ravel
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array
from wengert.ops.shape import reshape

Widths = list[tuple[int, int]]


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Where a mode copies elements they are fetched by their numbers; else each axis is extended in turn."""
    x = as_array(array)
    x = x if isinstance(x, np.ndarray) else reshape(x, shape=())
    answer(np.pad, x, pad_width, "empty" if callable(mode) else mode, **({} if callable(mode) else kwargs))
    numbers = element_numbers(x)
    widths = _widths(ndim_of(x), pad_width)
    odd = kwargs.get("reflect_type", "even") == "odd"
    if callable(mode):
        return _by_function(x, widths, mode, kwargs)
    if mode == "constant":
        return _constants(x, numbers, pad_width, kwargs.get("constant_values", 0))
    if mode == "empty":
        return gather(x, np.pad(numbers + 1, pad_width) - 1)
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and not odd):
        return gather(x, np.pad(numbers, pad_width, mode, **kwargs))
    for axis, width in enumerate(widths):
        if any(width):
            x = _EXTEND[mode](x, axis, width, kwargs)
    return x


def _widths(ndim: int, pad_width: Any) -> Widths:
    if isinstance(pad_width, dict):
        full = {axis % ndim: width for axis, width in pad_width.items()}
        return [_pairs(1, full.get(k, 0))[0] for k in range(ndim)]
    return _pairs(ndim, pad_width)


def _pairs(ndim: int, value: Any) -> Widths:
    """What is said of the front and back of each axis."""
    return [(a, b) for a, b in np.broadcast_to(np.asarray(value), (ndim, 2)).tolist()]


def _constants(x: Any, numbers: Any, pad_width: Any, values: Any) -> Any:
    """The constants are elements like the others, with numbers of their own."""
    n, size = ndim_of(x), aval_of(x).size
    fills = np.broadcast_to(as_array(values), (n, 2)).astype(dtype_of(x))
    places = np.pad(numbers, pad_width, constant_values=size + np.arange(2 * n).reshape(n, 2))
    return gather(np.concatenate([ravel(x), ravel(fills)]), places)


def _by_function(x: Any, widths: Widths, function: Callable[..., Any], kwargs: Any) -> Any:
    """The caller's function writes into each line of the padded array, one axis after another."""
    shape = tuple(n + a + b for n, (a, b) in zip(shape_of(x), widths, strict=True))
    out = gather(x, np.pad(element_numbers(x, 1), widths) - 1)
    for axis in range(ndim_of(x)):
        lines = np.moveaxis(out, axis, -1)
        for at in np.ndindex(tuple(n for k, n in enumerate(shape) if k != axis)):
            function(lines[at], widths[axis], axis, kwargs)
    return out


# ---- one axis: (array, axis, (front, back), options) -> the array extended


def _part(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    n = shape_of(x)[axis]
    places = range(n)[start:stop:step] if step > 0 else range(start, stop, step)
    return np.take(x, np.asarray(list(places), np.intp), axis=axis)


def _repeated(x: Any, axis: int, count: int) -> Any:
    return np.repeat(x, count, axis=axis)


def _statistic(function: Any) -> Callable[..., Any]:
    def extend(x: Any, axis: int, width: tuple[int, int], options: Any) -> Any:
        n, length = shape_of(x)[axis], options.get("stat_length")
        counts = (n, n) if length is None else _lengths(ndim_of(x), length)[axis]
        ends = [_part(x, axis, 0, min(counts[0], n)), _part(x, axis, n - min(counts[1], n), n)]
        front, back = (_as(function(part, axis=axis, keepdims=True), x) for part in ends)
        return np.concatenate([_repeated(front, axis, width[0]), x, _repeated(back, axis, width[1])], axis=axis)

    return extend


def _lengths(ndim: int, value: Any) -> Widths:
    big = np.iinfo(np.intp).max
    return [(big if a is None else a, big if b is None else b) for a, b in np.broadcast_to(value, (ndim, 2)).tolist()]


def _as(value: Any, x: Any) -> Any:
    """In the dtype of ``x``, to which NumPy rounds means of integers."""
    return (np.round(value) if dtype_of(x).kind in "iu" else value).astype(dtype_of(x))


def _ramp(x: Any, axis: int, width: tuple[int, int], options: Any) -> Any:
    """Evenly spaced from the edge to a value at the far end."""
    ends = np.broadcast_to(as_array(options.get("end_values", 0)), (ndim_of(x), 2))[axis]
    n = shape_of(x)[axis]
    edges = [np.squeeze(_part(x, axis, k, k + 1), axis) for k in (0, n - 1)]
    front, back = (
        np.linspace(end, edge, count, endpoint=False, dtype=dtype_of(x), axis=axis)
        for end, edge, count in zip((ends[0], ends[1]), edges, width, strict=True)
    )
    return np.concatenate([front, x, np.flip(back, axis)], axis=axis)


def _mirrored(skip: int) -> Callable[..., Any]:
    """Odd reflection at the edges, 2 edge − x, with (skip 0) or without (skip 1) the edge itself twice."""

    def extend(x: Any, axis: int, width: tuple[int, int], _options: Any) -> Any:
        front, back = width
        whole = shape_of(x)[axis]
        if whole == 1:  # a single element is its own mirror image
            return np.concatenate([_repeated(x, axis, front), x, _repeated(x, axis, back)], axis=axis)
        while front or back:
            n = shape_of(x)[axis]
            period = (n - skip) // (whole - skip) * (whole - skip)  # whole mirror images of the array as given
            a, b = min(front, period), min(back, period)
            first, last = _part(x, axis, 0, 1), _part(x, axis, n - 1, n)
            left = 2 * first - _part(x, axis, a - 1 + skip, skip - 1, -1)
            right = 2 * last - _part(x, axis, n - 1 - skip, n - 1 - skip - b, -1)
            x = np.concatenate([left, x, right], axis=axis)
            front, back = front - a, back - b
        return x

    return extend


_EXTEND: dict[str, Callable[..., Any]] = {
    "maximum": _statistic(np.max), "minimum": _statistic(np.min),
    "mean": _statistic(np.mean), "median": _statistic(np.median),
    "linear_ramp": _ramp, "reflect": _mirrored(1), "symmetric": _mirrored(0),
}  # fmt: skip
