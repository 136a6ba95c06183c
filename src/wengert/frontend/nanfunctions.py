"""NumPy's reductions that pass over NaN: to its entries the derivative is zero, and no NaN comes back from them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from wengert.core.types import dtype_of, ndim_of
from wengert.frontend.asking import answer, known
from wengert.frontend.quantiles import known_or, nan_where
from wengert.frontend.reductions import (
    argmax,
    argmin,
    as_condition,
    as_dtype,
    axes_of,
    count_of,
    cumprod,
    cumsum,
    deliver,
    extreme_max,
    extreme_min,
    given,
    least,
    mean,
    prod,
    safe_sqrt,
    squared_deviations,
    sum_,
    var,
)
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array, like_scalar
from wengert.ops import elementwise

_NO = np._NoValue  # type: ignore[attr-defined]


def _can_be_nan(x: Any) -> bool:
    return dtype_of(x).kind in "fc"


def _replaced(a: Any, value: Any) -> Any:
    """``a`` with a number in place of NaN."""
    x = as_array(a)
    return like_scalar(x, elementwise.where(np.isnan(x), dtype_of(x).type(value), x)) if _can_be_nan(x) else x


def _passing_over(rule: Any, value: float) -> Any:
    def run(a: Any, *args: Any, **kwargs: Any) -> Any:
        return rule(_replaced(a, value), *args, **kwargs)

    return run


implements(np.nansum)(_passing_over(sum_, 0))
implements(np.nanprod)(_passing_over(prod, 1))
implements(np.nancumsum)(_passing_over(cumsum, 0))
implements(np.nancumprod)(_passing_over(cumprod, 1))


def _extreme(extreme: Any, ufunc: np.ufunc, sign: int) -> Any:
    def rule(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO, initial: Any = _NO, where: Any = _NO
    ) -> Any:
        x = as_array(a)
        options = given(keepdims=keepdims, initial=initial, where=where)
        if not _can_be_nan(x):
            return extreme(x, axis, None, out, keepdims, initial, where)
        example = answer(ufunc.reduce, x, axis=axis, out=out, **options)
        keep, worst = np.ndim(example) == ndim_of(x), least(dtype_of(x), sign)
        seen = _numbers(x, where)
        value = extreme(np.where(seen, x, worst), axis, keepdims=keep, initial=_NO if x.size else worst)
        if initial is not _NO and initial is not None and not np.any(np.isnan(known_or(initial, 0.0))):
            return deliver(ufunc(value, as_dtype(as_array(initial), dtype_of(x))), example, out)
        none = ~np.any(seen, axis=axis, keepdims=keep)
        _warn_if(none, "All-NaN slice encountered")
        return deliver(nan_where(none, value), example, out)

    return rule


implements(np.nanmax)(_extreme(extreme_max, np.fmax, -1))
implements(np.nanmin)(_extreme(extreme_min, np.fmin, 1))


def _position(rule: Any, value: float) -> Any:
    def run(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _NO) -> Any:
        x = as_array(a)
        nan = known(np.all(np.isnan(x), axis=axis)) if _can_be_nan(x) and x.size else False
        if np.any(False if nan is None else nan):
            raise ValueError("All-NaN slice encountered")
        return rule(_replaced(x, value), axis, out, keepdims=keepdims)

    return run


implements(np.nanargmax)(_position(argmax, -np.inf))
implements(np.nanargmin)(_position(argmin, np.inf))


def _numbers(x: Any, where: Any) -> Any:
    """Where the numbers are, of those that are looked at."""
    seen = ~np.isnan(x)
    return seen if where is _NO or where is True else seen & as_condition(as_array(where))


def _refuse_integers(dtype: Any, out: Any) -> None:
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError("If a is inexact, then dtype must be inexact")
    if out is not None and dtype_of(out).kind not in "fc":
        raise TypeError("If a is inexact, then out must be inexact")


@implements(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NO, *, where: Any = _NO
) -> Any:
    x = as_array(a)
    options = given(keepdims=keepdims, where=where)
    if not _can_be_nan(x):
        return mean(x, axis, dtype, out, **options)
    _refuse_integers(dtype, out)
    example = answer(np.nansum, x, axis=axis, dtype=dtype, out=out, **options)
    wide = dtype if dtype is not None or out is None else np.result_type(dtype_of(out), dtype_of(x))
    total = sum_(_replaced(x, 0), axis, wide, None, **options)
    count = count_of(x, axes_of(x, axis), _numbers(x, where), np.ndim(example) == ndim_of(x))
    _warn_if(count == 0, "Mean of empty slice")
    return deliver(nan_where(count == 0, total / np.maximum(count, 1).astype(dtype_of(total))), example, out)


def _warn_if(condition: Any, text: str) -> None:
    if np.any(known_or(condition, False)):
        warnings.warn(text, RuntimeWarning, stacklevel=3)


@implements(np.nanvar)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = _NO,
    *, where: Any = _NO, mean: Any = _NO, correction: Any = _NO,
) -> Any:  # fmt: skip
    """The variance of the numbers; NaN, without a derivative, where there are no more than ``ddof`` of them."""
    x = as_array(a)
    if not _can_be_nan(x):
        options = given(keepdims=keepdims, where=where, mean=mean, correction=correction)
        return var(x, axis, dtype, out, ddof, **options)
    _refuse_integers(dtype, out)
    seen, free = _numbers(x, where), ddof if correction is _NO else correction
    if correction is not _NO and ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    answer(np.nansum, x, axis=axis, **given(keepdims=keepdims, where=where))
    mean = mean if mean is _NO or mean is None else as_dtype(as_array(mean), dtype_of(x))
    keep = keepdims is not _NO and bool(keepdims)
    axes = axes_of(x, axis)
    count = count_of(x, axes, seen, keep)
    few = count <= free
    _warn_if(few, "Degrees of freedom <= 0 for slice.")
    total = squared_deviations(x, axes, dtype, keep, seen, mean)
    value = nan_where(few, total / np.where(few, 1, count - free).astype(dtype_of(total)))
    return value if out is None else into(out, value)


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = _NO,
    *, where: Any = _NO, mean: Any = _NO, correction: Any = _NO,
) -> Any:  # fmt: skip
    root = safe_sqrt(nanvar(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction))
    return root if out is None else into(out, root)
