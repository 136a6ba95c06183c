"""Reductions and cumulative operations. ``axes`` is a sorted tuple of non-negative axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of, ndim_of, shape_of
from wengert.ops.families import flat, general, linear, repeated, unbroadcast
from wengert.ops.shape import broadcast_to


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a reduction's result with the reduced axes kept at length one."""
    return tuple(1 if k in axes else n for k, n in enumerate(shape))


def _result_shape(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    return kept_shape(shape, axes) if keepdims else tuple(n for k, n in enumerate(shape) if k not in axes)


def _infer(x: Aval, *, axes: tuple[int, ...], keepdims: bool) -> Aval:
    shape = _result_shape(x.shape, axes, keepdims)
    return Aval(shape, x.dtype, "array" if shape else "scalar")


def _infer_sum(x: Aval, *, axes: tuple[int, ...], keepdims: bool) -> Aval:
    shape = _result_shape(x.shape, axes, keepdims)
    widened = np.add.reduce(np.zeros(0, x.dtype)).dtype  # NumPy widens short integers and bools
    return Aval(shape, widened, "array" if shape else "scalar")


def keep(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """``x``, a reduction's result or cotangent, with the reduced axes put back at length one."""
    return np.reshape(x, kept_shape(shape, axes))


def _shift(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(k + 1 for k in axes)


def _batch(get: Any) -> Any:
    def batch(_batched: Any, operands: Any, params: dict[str, Any]) -> Any:
        return get()(operands[0], axes=_shift(params["axes"]), keepdims=params["keepdims"])

    return batch


def _ufunc_reduce(ufunc: np.ufunc) -> Any:
    def impl(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> Any:
        return ufunc.reduce(x, axis=axes, keepdims=keepdims)

    return impl


# ---- sum


def _transpose_sum(g: Any, x: Any, *, axes: tuple[int, ...], keepdims: bool) -> Any:
    shape = shape_of(x)
    if not keepdims and shape_of(g):
        g = g.reshape(kept_shape(shape, axes))
    return broadcast_to(g, shape=shape)


reduce_sum = linear(
    "sum", _ufunc_reduce(np.add), _transpose_sum, _batch(lambda: reduce_sum), r"\sum {0}", infer=_infer_sum
)

# ---- maximum and minimum: elements that tie share equally


def _ties(x: Any, z: Any, axes: tuple[int, ...], keepdims: bool) -> tuple[Any, Any]:
    """Where the extreme value stands, and how often; a NaN equals nothing, and 0/0 carries it on."""
    kept = kept_shape(shape_of(x), axes)
    hit = x == (z if keepdims or not shape_of(z) else z.reshape(kept))
    return hit, unbroadcast(hit.astype(dtype_of(x)), kept)


def _shared(t: Any, hit: Any, count: Any) -> Any:
    # selected, not multiplied: 0 times an infinite slope would be NaN where there is no slope at all
    d = np.where(hit, t / count, 0 / count)
    return d if ndim_of(d) else d[()]


def _extreme_jvp(ts: Any, z: Any, xs: Any, params: dict[str, Any]) -> Any:
    hit, count = _ties(xs[0], z, **params)
    return reduce_sum(_shared(ts[0], hit, count), **params)


def _extreme_vjp(g: Any, z: Any, xs: Any, _wanted: Any, params: dict[str, Any]) -> Any:
    hit, count = _ties(xs[0], z, **params)
    if not params["keepdims"] and shape_of(g):
        g = g.reshape(shape_of(count))
    return (_shared(g, hit, count),)


reduce_max = general(
    "max", _ufunc_reduce(np.maximum), jvp=_extreme_jvp, vjp=_extreme_vjp, batch=_batch(lambda: reduce_max),
    infer=_infer, tex=r"\max {0}", family="reduction",
)  # fmt: skip
reduce_min = general(
    "min", _ufunc_reduce(np.minimum), jvp=_extreme_jvp, vjp=_extreme_vjp, batch=_batch(lambda: reduce_min),
    infer=_infer, tex=r"\min {0}", family="reduction",
)  # fmt: skip

# ---- cumulative sums and linear recurrences; ``axis`` is non-negative


def _batch_along(get: Any) -> Any:
    def batch(batched: Any, operands: Any, params: dict[str, Any]) -> Any:
        size = next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)
        full = [x if b else repeated(x, size) for x, b in zip(operands, batched, strict=True)]
        return get()(*full, axis=params["axis"] + 1)

    return batch


def reversed_along(x: Any, axis: int) -> Any:
    """``x`` backwards along one axis."""
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


def _infer_cumulative(x: Aval, *, axis: int) -> Aval:
    del axis
    return Aval(x.shape, np.add.accumulate(np.zeros(1, x.dtype)).dtype, "array")


cumulative_sum = linear(
    "cumsum", lambda x, *, axis: np.add.accumulate(x, axis=axis),
    lambda g, _x, *, axis: reversed_along(cumulative_sum(reversed_along(g, axis), axis=axis), axis),
    _batch_along(lambda: cumulative_sum), r"\operatorname{{cumsum}} {0}", infer=_infer_cumulative,
)  # fmt: skip


def _recurrence(a: Any, b: Any, *, axis: int) -> Any:
    # s_k = a_k s_(k-1) + b_k for all k at once by doubling (Hillis and Steele 1986): log n passes, no division
    a = np.array(np.moveaxis(a, axis, 0))
    s = np.array(np.moveaxis(b, axis, 0), dtype=np.result_type(a, b))
    step, n = 1, len(s)
    while step < n:
        s[step:] = s[step:] + a[step:] * s[:-step]
        a[step:] = a[step:] * a[:-step]
        step *= 2
    return np.moveaxis(s, 0, axis)


def _delayed(x: Any, axis: int) -> Any:
    """``x`` moved by one along an axis, a zero coming in."""
    head = (slice(None),) * axis
    return np.concatenate([np.zeros_like(x[(*head, slice(0, 1))]), x[(*head, slice(0, -1))]], axis=axis)


def _advanced(x: Any, axis: int) -> Any:
    head = (slice(None),) * axis
    return np.concatenate([x[(*head, slice(1, None))], np.zeros_like(x[(*head, slice(0, 1))])], axis=axis)


def _recurrence_jvp(ts: Any, s: Any, xs: Any, params: dict[str, Any]) -> Any:
    a, _b = xs
    axis = params["axis"]
    drive = 0.0 * s
    if ts[0] is not None:
        drive = drive + ts[0] * _delayed(s, axis)
    if ts[1] is not None:
        drive = drive + ts[1]
    return recurrence(a, drive, axis=axis)


def _recurrence_vjp(g: Any, s: Any, xs: Any, wanted: Any, params: dict[str, Any]) -> Any:
    # r_k = g_k + a_(k+1) r_(k+1): the same recurrence, run backwards
    a, _b = xs
    axis = params["axis"]
    back = recurrence(reversed_along(_advanced(a, axis), axis), reversed_along(g, axis), axis=axis)
    r = reversed_along(back, axis)
    return (r * _delayed(s, axis) if wanted[0] else None, r if wanted[1] else None)


recurrence = general(
    "recurrence", _recurrence, jvp=_recurrence_jvp, vjp=_recurrence_vjp,
    reads=lambda k, _n: (True, False, k == 0), batch=_batch_along(lambda: recurrence),
    infer=lambda a, b, *, axis: Aval(a.shape, np.result_type(a.dtype, b.dtype), "array"),
    tex=r"s_k = {0}_k s_{{k-1}} + {1}_k",
)  # fmt: skip

# ---- products. No rule divides, so zeros among the factors do no harm


def _previous_product(y: Any, axis: int) -> Any:
    """For each factor the product of those before it, from the cumulative product ``y``."""
    head = (slice(None),) * axis
    return np.concatenate([np.ones_like(y[(*head, slice(0, 1))]), y[(*head, slice(0, -1))]], axis=axis)


def _cumprod_jvp(ts: Any, y: Any, xs: Any, params: dict[str, Any]) -> Any:
    axis = params["axis"]
    return recurrence(xs[0], ts[0] * _previous_product(y, axis), axis=axis)


def _cumprod_vjp(g: Any, y: Any, xs: Any, _wanted: Any, params: dict[str, Any]) -> Any:
    axis = params["axis"]
    back = recurrence(reversed_along(_advanced(xs[0], axis), axis), reversed_along(g, axis), axis=axis)
    return (reversed_along(back, axis) * _previous_product(y, axis),)


cumulative_product = general(
    "cumprod", lambda x, *, axis: np.multiply.accumulate(x, axis=axis), jvp=_cumprod_jvp, vjp=_cumprod_vjp,
    batch=_batch_along(lambda: cumulative_product), infer=_infer_cumulative,
    tex=r"\operatorname{{cumprod}} {0}",
)  # fmt: skip


def _other_factors(x: Any, axes: tuple[int, ...]) -> Any:
    """For each factor the product of all the others."""
    shape = shape_of(x)
    if not shape:
        return np.ones_like(x)
    rest = tuple(k for k in range(ndim_of(x)) if k not in axes)
    order = (*rest, *axes)
    lined = np.reshape(np.transpose(x, order), (*(shape[k] for k in rest), -1)) if x.size else x
    if not x.size:
        return np.ones_like(x)
    axis = len(rest)
    before = _previous_product(cumulative_product(lined, axis=axis), axis)
    turned = reversed_along(lined, axis)
    after = reversed_along(_previous_product(cumulative_product(turned, axis=axis), axis), axis)
    back = tuple(int(k) for k in np.argsort(order))
    return np.transpose(np.reshape(before * after, tuple(shape[k] for k in order)), back)


def _prod_jvp(ts: Any, _z: Any, xs: Any, params: dict[str, Any]) -> Any:
    return reduce_sum(ts[0] * _other_factors(xs[0], params["axes"]), **params)


def _prod_vjp(g: Any, _z: Any, xs: Any, _wanted: Any, params: dict[str, Any]) -> Any:
    kept = g if params["keepdims"] or not shape_of(xs[0]) else keep(g, shape_of(xs[0]), params["axes"])
    return (kept * _other_factors(xs[0], params["axes"]),)


reduce_prod = general(
    "prod", _ufunc_reduce(np.multiply), jvp=_prod_jvp, vjp=_prod_vjp, batch=_batch(lambda: reduce_prod),
    reads=lambda _k, _n: (True, False), infer=_infer_sum, tex=r"\prod {0}", family="reduction",
)  # fmt: skip

# ---- flat reductions


def _flat_reduction(name: str, impl: Any, tex: str) -> Any:
    made: Any = flat(name, impl, tex, batch=_batch(lambda: made))
    return made


def _over_axes(function: Any) -> Any:
    """``function(x, axis)`` of one axis, for a tuple with one axis or all of them."""

    def impl(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> Any:
        if len(axes) == 1:
            return function(x, axis=axes[0], keepdims=keepdims)
        lined = np.reshape(np.transpose(x, (*(k for k in range(np.ndim(x)) if k not in axes), *axes)),
                           (*(n for k, n in enumerate(np.shape(x)) if k not in axes), -1))  # fmt: skip
        out = function(lined, axis=-1)
        return np.reshape(out, kept_shape(np.shape(x), axes)) if keepdims else out

    return impl


any_true = _flat_reduction("any", _ufunc_reduce(np.logical_or), r"\exists {0}")
all_true = _flat_reduction("all", _ufunc_reduce(np.logical_and), r"\forall {0}")
argmax = _flat_reduction("argmax", _over_axes(np.argmax), r"\operatorname{{argmax}} {0}")
argmin = _flat_reduction("argmin", _over_axes(np.argmin), r"\operatorname{{argmin}} {0}")
count_nonzero = _flat_reduction(
    "count_nonzero",
    lambda x, *, axes, keepdims: np.count_nonzero(x, axis=axes, keepdims=keepdims),
    r"\#\{{{0} \ne 0\}}",
)
