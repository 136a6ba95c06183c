"""Numbers in a row between traced ends, and arrays made of what is handed over one by one or as asked."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from wengert.core.trace import plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.asking import answer, known, rehearse
from wengert.frontend.creation import ORIGINALS, TRACED, from_object, handle
from wengert.frontend.tables import implements, tracers_in
from wengert.frontend.values import as_array, common_dtype, stacked


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, **options: Any,
) -> Any:  # fmt: skip
    """The line start + k (stop − start)/(num − 1), with ``stop`` itself at the end."""
    rehearse(np.linspace, start, stop, num, endpoint, retstep, dtype, axis, **options)
    kind = common_dtype((start, stop, 0.0))
    start, stop = as_array(start).astype(kind), as_array(stop).astype(kind)
    parts = num - 1 if endpoint else num
    weights = np.arange(num) / max(parts, 1)
    weights = np.reshape(weights.astype(kind), (num, *(1,) * max(ndim_of(start), ndim_of(stop))))
    out = start * (1.0 - weights) + stop * weights
    out = np.moveaxis(out, 0, axis) if axis else out
    if dtype is not None:
        out = (np.floor(out) if np.dtype(dtype).kind in "iu" else out).astype(dtype)
    if not retstep:
        return out
    return out, (stop - start) / parts if parts else (stop - start) * np.nan


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    """``base`` to the powers that stand evenly spaced."""
    start, stop = as_array(start), as_array(stop)
    if ndim_of(base):
        base = as_array(base)
        ndim = max(ndim_of(v) for v in (start, stop, base))
        start, stop, base = (np.reshape(v, (1,) * (ndim - ndim_of(v)) + shape_of(v)) for v in (start, stop, base))
        base = np.expand_dims(base, axis)
    value = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return value if dtype is None else value.astype(dtype)


@implements(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Numbers of which each is the same multiple of the one before; the ends are the ends themselves."""
    start, stop = as_array(start), as_array(stop)
    rehearse(np.geomspace, start, stop, num, endpoint, dtype, axis)
    if any(np.any(values == 0) for v in (start, stop) if (values := known(v)) is not None):
        raise ValueError(f"geometric sequence cannot include zero{at_line()}")
    kind = np.result_type(common_dtype((start, stop, 0.0)), np.zeros((), dtype))
    start, stop = (v + np.zeros(shape_of(w)) for v, w in ((start, stop), (stop, start)))
    start, stop = start.astype(kind), stop.astype(kind)
    sign = np.sign(start)
    inside = np.logspace(np.log10(start / sign), np.log10(stop / sign), num, endpoint) * sign
    first, last = (np.reshape(v, (1, *shape_of(v))) for v in (start, stop))
    ends = [first] * min(num, 1), [last] * (endpoint and num > 1)
    out = np.concatenate([*ends[0], inside[1 : num - len(ends[1])], *ends[1]]) if num else inside
    out = np.moveaxis(out, 0, axis) if axis else out
    return out.astype(kind if dtype is None else dtype)


def arange(*args: Any, **options: Any) -> Any:
    """The numbers start + k step; how many there are, the values decide."""
    names = ("stop",) if len(args) == 1 else ("start", "stop", "step", "dtype")
    given: dict[str, Any] = {"start": 0, **dict(zip(names, args, strict=False)), **options}
    example = ORIGINALS["arange"](**{name: plain(value) for name, value in given.items()})
    if example.dtype.kind not in "fc":
        return handle(example)
    start, step = given["start"], given.get("step")
    delta = (start + (1 if step is None else step)) - start
    return (start + ORIGINALS["arange"](len(example)) * delta).astype(example.dtype)


def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, **options: Any) -> Any:  # noqa: A002 - NumPy's name
    """An array of what an iterator gives."""
    values = list(iter if count < 0 else islice(iter, count))
    if not tracers_in(values):
        return handle(ORIGINALS["fromiter"](values, dtype, count, **options))
    if len(values) < count:
        raise ValueError(f"iterator too short: expected {count} but iterator had only {len(values)} items.{at_line()}")
    return stacked(values).astype(dtype)


def require(a: Any, dtype: Any = None, requirements: Any = None, **options: Any) -> Any:
    """An array in a dtype and memory order; it always owns its memory and can be written to."""
    answer(np.require, np.empty(0), dtype, requirements, **options)
    letters = {str(r).upper()[0] for r in ([requirements] if isinstance(requirements, str) else requirements or ())}
    order = "F" if "F" in letters else "C" if "C" in letters else "A"
    return from_object(ORIGINALS["asanyarray"], a, dtype, order=order)


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """An array none of whose elements is infinite or NaN."""
    x = from_object(ORIGINALS["asarray"], a, dtype, order=order)
    if dtype_of(x).kind in "fc" and not np.all(np.isfinite(plain(x))):
        raise ValueError(f"array must not contain infs or NaNs{at_line()}")
    return x


TRACED.update({"arange": arange, "fromiter": fromiter, "require": require, "asarray_chkfinite": asarray_chkfinite})
