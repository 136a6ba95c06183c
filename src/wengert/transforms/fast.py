"""Reverse mode where it is hot: one closure for each record, made once.

They do what :meth:`Tape.process` does, for real values of one tape and plain constants; everything else
goes through ``bind``. What an entry keeps, and the rule it is differentiated by, are the record's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from wengert.core.primitive import Primitive
from wengert.core.trace import Constant, bind
from wengert.core.types import shape_of
from wengert.ops.families import unbroadcast
from wengert.ops.products import matmul
from wengert.transforms.reverse import KINDS, RECORDS, Cotangents, Ghost, ReverseArray, ReverseScalar, new

S, A = ReverseScalar, ReverseArray
NUMBERS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.int32, np.bool_})
_REAL = "?bhilqBHILQefdg"

# ---- elementwise, one operand


def fast_unary(record: Primitive) -> Callable[[Any], Any]:
    """The record's operation on a real tracer of a tape."""
    op, diff = record.impl, record.diffs[0]
    keep_x, keep_z = record.reads(0, 1)
    assert diff is not None

    def back(ct: Cotangents, g: Any, e: Any) -> None:
        i = e[1]
        d = diff(g, e[2], e[3])
        c = ct[i]
        ct[i] = d if c is None else c + d

    RECORDS[back] = record

    def apply(x: Any) -> Any:
        t = x.t
        v = x.v
        w = op(v)
        z = new(KINDS[type(w)])
        z.v = w
        z.t = t
        z.i = len(t)
        t.append((back, x.i, w if keep_z else None, v if keep_x else None))
        return z

    return apply


# ---- elementwise, two operands


def fast_binary(record: Primitive) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """``x op y`` for a real tracer x, and for a real tracer y beside a plain x."""
    op = record.impl
    diff_x, diff_y = record.diffs
    if diff_x is None or diff_y is None:
        return (lambda x, y: bind(record, x, y)), (lambda x, y: bind(record, x, y))
    (x_reads_x, x_reads_y, x_reads_z), (y_reads_x, y_reads_y, y_reads_z) = (
        record.reads(0, 2),
        record.reads(1, 2),
    )
    keep_x, keep_y, keep_z = x_reads_x or y_reads_x, x_reads_y or y_reads_y, x_reads_z or y_reads_z

    linear = not (keep_x or keep_y or keep_z)

    def back_both(ct: Cotangents, g: Any, e: Any) -> None:
        _, i, j, w, v, q = e
        d = diff_x(g, w, v, q)
        c = ct[i]
        ct[i] = d if c is None else c + d
        d = diff_y(g, w, v, q)
        c = ct[j]
        ct[j] = d if c is None else c + d

    def back_both_stretched(ct: Cotangents, g: Any, e: Any) -> None:
        _, i, j, w, v, q, shape_x, shape_y = e
        if linear:  # sums before signs: fewer elements
            d = diff_x(unbroadcast(g, shape_x), None, None, None)
        else:
            d = unbroadcast(diff_x(g, w, v, q), shape_x)
        c = ct[i]
        ct[i] = d if c is None else c + d
        if linear:
            d = diff_y(unbroadcast(g, shape_y), None, None, None)
        else:
            d = unbroadcast(diff_y(g, w, v, q), shape_y)
        c = ct[j]
        ct[j] = d if c is None else c + d

    def one(diff: Callable[..., Any]) -> tuple[Callable[..., None], Callable[..., None]]:
        def back(ct: Cotangents, g: Any, e: Any) -> None:
            i = e[1]
            d = diff(g, e[2], e[3], e[4])
            c = ct[i]
            ct[i] = d if c is None else c + d

        def back_stretched(ct: Cotangents, g: Any, e: Any) -> None:
            _, i, w, v, q, shape = e
            d = unbroadcast(diff(g, w, v, q), shape)
            c = ct[i]
            ct[i] = d if c is None else c + d

        return back, back_stretched

    back_x, back_x_stretched = one(diff_x)
    back_y, back_y_stretched = one(diff_y)
    RECORDS.update(dict.fromkeys((back_both, back_both_stretched, back_y, back_y_stretched), record))
    if x_reads_x:
        RECORDS.update(dict.fromkeys((back_x, back_x_stretched), record))

    def left(x: Any, y: Any) -> Any:
        kind = type(y)
        t = x.t
        if kind is A or kind is S:
            if y.t is not t:
                return bind(record, x, y)
            v = x.v
            q = y.v
            w = op(v, q)
            z = new(kind := KINDS[type(w)])
            z.v = w
            z.t = t
            z.i = len(t)
            if kind is S or (type(v) is ndarray and type(q) is ndarray and v.shape == q.shape):
                t.append((back_both, x.i, y.i, w if keep_z else None, v if keep_x else None, q if keep_y else None))
            else:
                t.append((
                    back_both_stretched, x.i, y.i, w if keep_z else None, v if keep_x else None,
                    q if keep_y else None, shape_of(v), shape_of(q),
                ))  # fmt: skip
            return z
        if kind in NUMBERS:
            v = x.v
            w = op(v, y)
            z = new(KINDS[type(w)])
            z.v = w
            z.t = t
            z.i = len(t)
            t.append((back_x, x.i, w if x_reads_z else None, v if x_reads_x else None, y))
            return z
        if kind is Constant:
            y = y.v
            kind = ndarray
        if kind is ndarray and y.dtype.char in _REAL:
            v = x.v
            w = op(v, y)
            z = new(KINDS[type(w)])
            z.v = w
            z.t = t
            z.i = len(t)
            q = t.safe(y) if x_reads_y else None
            kept = v if x_reads_x else None
            shape = shape_of(v)
            if shape == shape_of(w):
                t.append((back_x, x.i, w if x_reads_z else None, kept, q))
            else:
                t.append((back_x_stretched, x.i, w if x_reads_z else None, kept, q, shape))
            return z
        return bind(record, x, y)

    def right(x: Any, y: Any) -> Any:
        kind = type(x)
        t = y.t
        if kind in NUMBERS:
            q = y.v
            w = op(x, q)
            z = new(KINDS[type(w)])
            z.v = w
            z.t = t
            z.i = len(t)
            t.append((back_y, y.i, w if y_reads_z else None, x, q if y_reads_y else None))
            return z
        if kind is Constant:
            x = x.v
            kind = ndarray
        if kind is ndarray and x.dtype.char in _REAL:
            q = y.v
            w = op(x, q)
            z = new(KINDS[type(w)])
            z.v = w
            z.t = t
            z.i = len(t)
            v = t.safe(x) if y_reads_x else None
            kept = q if y_reads_y else None
            shape = shape_of(q)
            if shape == shape_of(w):
                t.append((back_y, y.i, w if y_reads_z else None, v, kept))
            else:
                t.append((back_y_stretched, y.i, w if y_reads_z else None, v, kept, shape))
            return z
        return bind(record, x, y)

    return left, right


# ---- matrix products


def fast_matmul() -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """``x @ y`` of matrices; every other form goes through bind."""

    def back_both(ct: Cotangents, g: Any, e: Any) -> None:
        _, i, j, v, q = e
        d = g @ q.T
        c = ct[i]
        ct[i] = d if c is None else c + d
        d = v.T @ g
        c = ct[j]
        ct[j] = d if c is None else c + d

    def back_left(ct: Cotangents, g: Any, e: Any) -> None:
        i = e[1]
        d = g @ e[2].T
        c = ct[i]
        ct[i] = d if c is None else c + d

    def back_right(ct: Cotangents, g: Any, e: Any) -> None:
        j = e[1]
        d = e[2].T @ g
        c = ct[j]
        ct[j] = d if c is None else c + d

    def left(x: Any, y: Any) -> Any:
        kind, t, v = type(y), x.t, x.v
        q = y.v if kind is A or kind is Constant else y
        if type(v) is not ndarray or type(q) is not ndarray or v.ndim != 2 or q.ndim != 2 or q.dtype.char not in _REAL:
            return bind(matmul, x, y)
        if kind is A and y.t is not t:
            return bind(matmul, x, y)
        z = new(A)
        z.v = v @ q
        z.t = t
        z.i = len(t)
        t.append((back_both, x.i, y.i, v, q) if kind is A else (back_left, x.i, t.safe(q)))
        return z

    def right(x: Any, y: Any) -> Any:
        t, q = y.t, y.v
        v = x.v if type(x) is Constant else x
        if type(v) is not ndarray or type(q) is not ndarray or v.ndim != 2 or q.ndim != 2 or v.dtype.char not in _REAL:
            return bind(matmul, x, y)
        z = new(A)
        z.v = v @ q
        z.t = t
        z.i = len(t)
        t.append((back_right, y.i, t.safe(v)))
        return z

    return left, right


# ---- reductions of one operand

_NO = np._NoValue  # type: ignore[attr-defined]
_ONE = (True,)
_ALL = tuple(tuple(range(n)) for n in range(65))


def fast_reduction(record: Primitive, general: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over one axis or all, without options; any other call takes the general way."""
    impl, vjp = record.impl, record.vjp
    keep_x, keep_z = record.reads(0, 1)

    def back(ct: Cotangents, g: Any, e: Any) -> None:
        _, i, w, v, params = e
        (d,) = vjp(g, w, (v,), _ONE, params)
        c = ct[i]
        ct[i] = d if c is None else c + d

    def reduce(
        x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = _NO, where: Any = True,
    ) -> Any:  # fmt: skip
        if type(x) is not A or type(x.v) is not ndarray or dtype is not None or out is not None:
            return general(x, axis, dtype, out, keepdims, initial, where)
        if initial is not _NO or where is not True or not (axis is None or type(axis) is int):
            return general(x, axis, dtype, out, keepdims, initial, where)
        if keepdims is not False and keepdims is not True:
            return general(x, axis, dtype, out, keepdims, initial, where)
        v = x.v
        n = v.ndim
        if axis is None:
            axes = _ALL[n]
        elif -n <= axis < n:
            axes = (axis % n,)
        else:
            return general(x, axis, dtype, out, keepdims, initial, where)
        params = {"axes": axes, "keepdims": keepdims is True}
        t = x.t
        w = impl(v, **params)
        z = new(KINDS[type(w)])
        z.v = w
        z.t = t
        z.i = len(t)
        t.append((back, x.i, w if keep_z else None, v if keep_x else Ghost(v), params))
        return z

    return reduce
