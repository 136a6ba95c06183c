"""What a ufunc's call can say besides its operands, and reduce, accumulate, reduceat and outer.

NumPy itself judges each such call, on stand-ins of the same types; what is left is to compute the result from the
ufunc's own rule. ``reduce`` and ``accumulate`` fold the rule along an axis: by halving where it is associative.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.trace import Tracer, plain
from wengert.core.types import aval_of, dtype_of, ndim_of, shape_of
from wengert.frontend.asking import answer, rehearse
from wengert.frontend.reductions import as_condition
from wengert.frontend.tables import ACCUMULATE, REDUCE, UFUNC_METHODS, call_ufunc, into
from wengert.frontend.values import as_array, as_number
from wengert.ops.index import ARRAY, scatter_add
from wengert.ops.reduce import kept_shape
from wengert.ops.running import running_max
from wengert.ops.shape import reshape

Op = Callable[[Any, Any], Any]
_NO = np._NoValue  # type: ignore[attr-defined]  # NumPy's own mark for an argument that was not given

# ---- the plain call, with options


def call(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """``ufunc(*args, out=, where=, dtype=, casting=, order=, subok=, signature=, axes=, axis=, keepdims=)``."""
    args = [as_array(x) if isinstance(x, list | tuple) else x for x in args]
    rehearse(ufunc, *args, **kwargs)
    outs = kwargs.get("out") or (None,) * ufunc.nout
    where, casting = kwargs.get("where", True), kwargs.get("casting", "same_kind")
    mask = None if where is True else as_condition(as_array(where))
    if ufunc.signature is not None:
        values = _over_core_axes(ufunc, _cast_operands(ufunc, args, kwargs), kwargs)
    else:
        operands = _cast_operands(ufunc, args, kwargs)
        values = call_ufunc(ufunc, operands if mask is None else _harmless(ufunc, operands, mask))
    values = values if ufunc.nout > 1 else (values,)
    done = [_placed(v, out, mask, casting, kwargs) for v, out in zip(values, outs, strict=True)]
    return tuple(done) if ufunc.nout > 1 else done[0]


def _cast_operands(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """Operands in the dtypes in which NumPy computes."""
    signature = kwargs.get("signature")
    if kwargs.get("dtype") is not None:
        signature = (*(None,) * ufunc.nin, *(np.dtype(kwargs["dtype"]),) * ufunc.nout)
    if signature is None:
        return args
    weak = {"f": float, "i": int, "c": complex}
    avals = [aval_of(x) for x in args]
    given = [weak.get(a.dtype.kind, a.dtype) if a.kind == "python" else a.dtype for a in avals]
    casting = kwargs.get("casting", "same_kind")
    to = ufunc.resolve_dtypes((*given, *(None,) * ufunc.nout), signature=signature, casting=casting)  # type: ignore[arg-type]
    return [_cast(x, dtype) for x, dtype in zip(args, to, strict=False)]


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    if not isinstance(x, Tracer):
        return np.asarray(x, dtype)[()] if ndim_of(x) == 0 and aval_of(x).kind != "array" else np.asarray(x, dtype)
    return x if x.aval.kind != "python" and x.dtype == dtype else x.astype(dtype)


# what stands in where the result is not wanted must not be where the derivative is infinite
HARMLESS: dict[Any, float] = {np.arccosh: 2.0}


def _harmless(ufunc: np.ufunc, args: Any, mask: Any) -> Any:
    number = HARMLESS.get(ufunc, 0.5)
    return [np.where(mask, x, number if dtype_of(x).kind in "fc" else dtype_of(x).type(1)) for x in args]


def _placed(value: Any, out: Any, mask: Any, casting: str, kwargs: Any) -> Any:
    """A result in ``out``; where ``mask`` is false ``out`` stays, and without ``out`` there is no number (NaN)."""
    if out is None:
        if mask is not None:
            nothing = np.nan if dtype_of(value).kind in "fc" else dtype_of(value).type(0)
            value = as_number(np.where(mask, value, nothing))
        order = kwargs.get("order", "K")
        return value if order not in ("C", "F") or not ndim_of(value) else value.copy(order)
    if mask is not None:
        value = np.where(mask, value, out)
    shape = shape_of(out)
    if shape_of(value) != shape and np.broadcast_shapes(shape_of(value), shape) == shape:
        value = np.broadcast_to(value, shape)  # operands stretch to out=, not out= to them
    return into(out, value, casting)


def _core_ndims(ufunc: np.ufunc, args: Any) -> list[int]:
    """The number of core axes of each operand and output; those marked ``?`` may be missing."""
    left, right = str(ufunc.signature).split("->")
    terms = [[d for d in term.split(",") if d] for term in re.findall(r"\(([^)]*)\)", left)]
    missing = {
        d for x, term in zip(args, terms, strict=True) if ndim_of(x) < len(term) for d in term if d.endswith("?")
    }
    terms += [[d for d in term.split(",") if d] for term in re.findall(r"\(([^)]*)\)", right)]
    return [len([d for d in term if d not in missing]) for term in terms]


def _over_core_axes(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """A generalised ufunc, its core axes moved to where its rule has them."""
    axes, axis, keepdims = kwargs.get("axes"), kwargs.get("axis"), kwargs.get("keepdims", False)
    if axes is None and axis is None and not keepdims:
        return call_ufunc(ufunc, args)
    cores = _core_ndims(ufunc, args)
    if axes is None:
        axes = [tuple(range(-n, 0)) if axis is None else (axis,) * n for n in cores]
    axes = [a if isinstance(a, tuple) else (a,) for a in axes]
    moved = [np.moveaxis(x, a, range(-len(a), 0)) if a else x for x, a in zip(args, axes, strict=False)]
    value = call_ufunc(ufunc, moved)
    if keepdims:
        return np.expand_dims(value, axes[ufunc.nin] if len(axes) > ufunc.nin and axes[ufunc.nin] else axes[0])
    if cores[ufunc.nin] and len(axes) > ufunc.nin:
        return np.moveaxis(value, range(-cores[ufunc.nin], 0), axes[ufunc.nin])
    return value


def outer(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """``ufunc.outer(x, y)``: of each element of the one with each of the other."""
    x, y = (as_array(v) if isinstance(v, list | tuple) else v for v in args)
    rehearse(ufunc.outer, x, y, **kwargs)
    ones = (1,) * ndim_of(y)
    left = reshape(x, shape=(*shape_of(x), *ones)) if ndim_of(x) else x
    return call(ufunc, (left, y), kwargs) if kwargs else call_ufunc(ufunc, (left, y))


# ---- folding

_LOGICAL = (np.logical_and, np.logical_or, np.logical_xor)
ASSOCIATIVE: set[Any] = {
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot,
    np.gcd, np.lcm, np.bitwise_and, np.bitwise_or, np.bitwise_xor, *_LOGICAL,
}  # fmt: skip


def _operation(ufunc: np.ufunc) -> Op:
    return lambda x, y: call_ufunc(ufunc, (x, y))


def _prepared(ufunc: np.ufunc, a: Any, dtype: Any) -> Any:
    x = as_array(a)
    return as_condition(x) if ufunc in _LOGICAL else x if dtype is None else x.astype(dtype)


def halved(op: Op, x: Any) -> Any:
    """An associative operation over axis 0, in as many steps as the length has binary digits."""
    while (n := shape_of(x)[0]) > 1:
        pairs = op(x[0 : n - 1 : 2], x[1:n:2])
        x = np.concatenate([pairs, x[n - 1 :]]) if n % 2 else pairs
    return x[0]


def in_turn(op: Op, x: Any, mask: Any, start: Any) -> Any:
    """Any operation over axis 0, from the first element to the last, as NumPy does it."""
    total, rest = (x[0], range(1, shape_of(x)[0])) if start is None else (start, range(shape_of(x)[0]))
    for k in rest:
        step = op(total, x[k])
        total = step if mask is None else np.where(mask[k], step, total)
    return total


def reduce(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """``ufunc.reduce(a, axis=0, dtype=, out=, keepdims=, initial=, where=)``."""
    (a,) = args
    known = REDUCE.get(ufunc)
    if known is None or _unusual(kwargs):
        rehearse(ufunc.reduce, as_array(a), **kwargs)
    kwargs = {name: value[0] if name == "out" and isinstance(value, tuple) else value for name, value in kwargs.items()}
    return known(a, **kwargs) if known is not None else _fold(ufunc, a, **kwargs)


def _unusual(kwargs: Any) -> bool:
    """Whether NumPy should judge options that rules take for others: a truth value as an axis, None in out=."""
    out, axis = kwargs.get("out"), kwargs.get("axis")
    return (isinstance(out, tuple) and any(o is None for o in out)) or isinstance(axis, bool | np.bool_)


def _fold(
    ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = _NO, where: Any = True,
) -> Any:  # fmt: skip
    x = _prepared(ufunc, a, dtype)
    shape, ndim = shape_of(x), ndim_of(x)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    axes = tuple(sorted(axes)) if ndim else ()
    rest = tuple(k for k in range(ndim) if k not in axes)
    mask = None if where is True else np.broadcast_to(as_condition(as_array(where)), shape)

    def lined(v: Any) -> Any:
        tail = tuple(shape[k] for k in rest)
        return np.reshape(np.transpose(v, (*axes, *rest)), (int(np.prod([shape[k] for k in axes])), *tail))

    # the identity stands for nothing, but where the caller says otherwise
    start = initial if initial is not _NO else ufunc.identity if 0 in shape else None
    x, mask = lined(x), None if mask is None else lined(mask)
    value = _folded(ufunc, x, mask, start)
    value = as_number(reshape(value, shape=kept_shape(shape, axes)) if keepdims else value)
    return value if out is None else into(out, value)


def _folded(ufunc: np.ufunc, x: Any, mask: Any, start: Any) -> Any:
    op, tail = _operation(ufunc), shape_of(x)[1:]
    if start is not None:
        start = np.broadcast_to(_cast(start, dtype_of(x)), tail)
    if ufunc not in ASSOCIATIVE:
        return in_turn(op, x, mask, start)
    if mask is not None:
        nothing = ufunc.identity if ufunc.identity is not None else start
        x = np.where(mask, x, dtype_of(x).type(nothing) if isinstance(nothing, int | float) else nothing)
    total = halved(op, x) if shape_of(x)[0] else None
    return start if total is None else total if start is None else op(start, total)


def _extreme_of_numbers(ufunc: np.ufunc, sign: float, extreme: np.ufunc) -> Callable[..., Any]:
    """The greatest (least) of what is a number, NaNs passed over; elements that tie share equally."""

    def rule(
        a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False,
        initial: Any = _NO, where: Any = True,
    ) -> Any:  # fmt: skip
        rehearse(ufunc.reduce, as_array(a), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)
        x = as_array(a) if dtype is None else as_array(a).astype(dtype)
        if dtype_of(x).kind != "f":
            return extreme.reduce(x, axis=axis, out=out, keepdims=keepdims, initial=initial, where=where)
        worst = dtype_of(x).type(-sign * np.inf)
        seen = ~np.isnan(x) if where is True else ~np.isnan(x) & as_condition(as_array(where))
        value = extreme.reduce(np.where(seen, x, worst), axis=axis, keepdims=keepdims, initial=worst)
        none = np.logical_not(np.logical_or.reduce(seen, axis=axis, keepdims=keepdims))
        value = as_number(np.where(none, dtype_of(x).type(np.nan), value))
        if initial is not _NO and initial is not None:
            value = ufunc(value, initial)
        return value if out is None else into(out, value)

    return rule


REDUCE[np.fmax] = _extreme_of_numbers(np.fmax, 1.0, np.maximum)
REDUCE[np.fmin] = _extreme_of_numbers(np.fmin, -1.0, np.minimum)


def accumulate(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """``ufunc.accumulate(a, axis=0, dtype=, out=)``."""
    (a,) = args
    if not kwargs.keys() <= {"axis"} or _unusual(kwargs) or ufunc not in ACCUMULATE:
        rehearse(ufunc.accumulate, as_array(a), **kwargs)
    kwargs = {name: value[0] if name == "out" and isinstance(value, tuple) else value for name, value in kwargs.items()}
    out, dtype = kwargs.pop("out", None), kwargs.pop("dtype", None)
    x = _prepared(ufunc, a, dtype)
    axis = normalize_axis_index(kwargs.get("axis", 0), ndim_of(x))
    if ufunc in ACCUMULATE:
        value = ACCUMULATE[ufunc](x, axis)
    else:
        op, moved = _operation(ufunc), np.moveaxis(x, axis, 0)
        value = np.moveaxis(_doubled(op, moved) if ufunc in ASSOCIATIVE else _in_steps(op, moved), 0, axis)
    value = value if dtype is None or dtype_of(value) == np.dtype(dtype) else value.astype(dtype)
    return value if out is None else into(out, value)


def _doubled(op: Op, x: Any) -> Any:
    """All partial results along axis 0 of an associative operation, by doubling (Hillis and Steele 1986)."""
    step, n = 1, shape_of(x)[0]
    while step < n:
        x = np.concatenate([x[:step], op(x[: n - step], x[step:])])
        step *= 2
    return x


def _in_steps(op: Op, x: Any) -> Any:
    n = shape_of(x)[0]
    parts = [x[0]] if n else []
    for k in range(1, n):
        parts.append(op(parts[-1], x[k]))
    return np.stack(parts) if n else x


def _running(sign: float) -> Callable[[Any, int], Any]:
    def rule(x: Any, axis: int) -> Any:
        if dtype_of(x).kind != "f":
            extreme = np.maximum if sign > 0 else np.minimum
            return np.moveaxis(_doubled(_operation(extreme), np.moveaxis(x, axis, 0)), 0, axis)
        return running_max(x, axis=axis) if sign > 0 else -running_max(-x, axis=axis)

    return rule


ACCUMULATE[np.maximum], ACCUMULATE[np.minimum] = _running(1.0), _running(-1.0)


def reduceat(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """``ufunc.reduceat(a, indices, axis=0, dtype=, out=)``: reductions from each index to the next."""
    a, indices = args
    x = _prepared(ufunc, a, kwargs.get("dtype"))
    starts = np.asarray(plain(indices))
    if _unusual(kwargs):
        rehearse(ufunc.reduceat, a, starts * 0, **kwargs)
    axis = normalize_axis_index(kwargs.get("axis", 0), ndim_of(x))
    n = shape_of(x)[axis]
    line = np.ones([n if k == axis else min(size, 1) for k, size in enumerate(shape_of(x))], dtype_of(x))
    answer(ufunc.reduceat, line, starts, axis=axis, dtype=kwargs.get("dtype"))
    stops = [*starts[1:].tolist(), n]
    pieces = [range(i, max(j, i + 1)) for i, j in zip(starts.tolist(), stops, strict=True)]
    moved = np.moveaxis(x, axis, 0)
    if ufunc is np.add and dtype_of(x).kind in "fc":
        value = _sums(moved, pieces)
    else:
        value = np.stack([ufunc.reduce(moved[p.start : p.stop], axis=0) for p in pieces])
    value, out, dtype = np.moveaxis(value, 0, axis), kwargs.get("out"), kwargs.get("dtype")
    value = value if dtype is None or dtype_of(value) == np.dtype(dtype) else value.astype(dtype)
    return value if out is None else into(out, value)


def _sums(x: Any, pieces: list[range]) -> Any:
    """The sums of pieces of axis 0, all at once: each element is added to where its piece stands."""
    at = np.concatenate([np.asarray(p) for p in pieces])
    piece = np.repeat(np.arange(len(pieces)), [len(p) for p in pieces])
    return scatter_add(x[at], piece, shape=(len(pieces), *shape_of(x)[1:]), index=(ARRAY,))


UFUNC_METHODS.update({
    "__call__": call, "outer": outer, "reduce": reduce, "accumulate": accumulate, "reduceat": reduceat,
})  # fmt: skip
