"""Reverse mode where it is hot: one closure for each elementwise record, made once.

They do what :meth:`Tape.process` does, for real values of one tape and plain constants; everything else
goes through ``bind``. Operators of reverse tracers come here directly, past NumPy's dispatch.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from wengert.core.handles import attach, live_views, root_of
from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.trace import FUNCTION_DISPATCH, UFUNC_DISPATCH, Constant, Tracer, bind
from wengert.core.types import Aval, shape_of
from wengert.frontend import indexing, reductions
from wengert.frontend.indexing import is_basic
from wengert.frontend.methods import BINARY, in_place
from wengert.frontend.ufuncs import UFUNCS
from wengert.ops import elementwise as ops
from wengert.ops import reduce
from wengert.ops.families import unbroadcast
from wengert.ops.index import follow, scatter_add, update
from wengert.ops.products import matmul
from wengert.transforms.reverse import KINDS, Cotangents, Ghost, ReverseArray, ReverseScalar, new

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
        d = unbroadcast(diff_x(g, w, v, q), shape_x)
        c = ct[i]
        ct[i] = d if c is None else c + d
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
                t.append(
                    (back_both, x.i, y.i, w if keep_z else None, v if keep_x else None, q if keep_y else None)
                )
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


# ---- indexing: cotangents accumulate in one owned buffer, so n reads of n elements cost O(n)


def back_getitem(ct: Cotangents, g: Any, e: Any) -> None:
    """Add ``g`` into the part of the operand's cotangent that was read."""
    _, i, shape, dtype, idx = e
    c = ct[i]
    if type(g) not in PLAIN or (c is not None and type(c) is not ndarray):
        d = scatter_add(g, shape=shape, index=idx if type(idx) is tuple else (idx,))
        ct[i] = d if c is None else c + d
        return
    if c is None:
        ct[i] = c = np.zeros(shape, dtype)
        ct.own.add(i)
        c[idx] = g
    else:
        if i not in ct.own:
            ct[i] = c = c.copy()
            ct.own.add(i)
        c[idx] += g


PLAIN = frozenset({ndarray, float, np.float64, np.float32, np.float16, np.longdouble})


def getitem(x: Any, idx: Any) -> Any:
    """``x[idx]`` of a real array tracer."""
    v = x.v
    if type(v) is not ndarray or not is_basic(idx):
        return indexing.getitem(x, idx)
    w = v[idx]
    t = x.t
    if type(w) is ndarray:
        z = new(A)
        attach(z, x, ("index", idx))
        if w.size * 4 <= v.size and w.flags.c_contiguous:
            w = w.copy()  # a small view must not pin the root's buffer, or each write copies it
    else:
        z = new(S)
    z.v = w
    z.t = t
    z.i = len(t)
    t.append((back_getitem, x.i, v.shape, v.dtype, idx))
    return z


# ---- writes, in place unless the tape or somebody else still needs the old value


def holders(root: Any) -> int:
    """How many references there are to the array behind a handle."""
    v = root.v
    return getrefcount(v)


def _calibrate() -> int:
    # references that the count itself makes differ between Pythons; without a reliable count, always copy
    import sys

    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return -1
    handle = new(A)
    handle.v = np.zeros(1)
    return holders(handle)


ALONE = _calibrate()


def back_setitem(ct: Cotangents, g: Any, e: Any) -> None:
    """What was written takes its part of the cotangent; the rest goes on to the old value."""
    _, n, i, chain, idx, j, shape = e
    if type(g) is not ndarray:
        _back_setitem_traced(ct, g, e)
        return
    part = follow(g, chain)[idx]
    if j >= 0:
        d = unbroadcast(part.copy() if type(part) is ndarray else part, shape)
        c = ct[j]
        ct[j] = d if c is None else c + d
    if i >= 0:
        if n not in ct.own:
            g = g.copy()
        follow(g, chain)[idx] = 0.0
        c = ct[i]
        if c is None:
            ct[i] = g
            ct.own.add(i)
        else:
            ct[i] = c + g


def _back_setitem_traced(ct: Cotangents, g: Any, e: Any) -> None:
    _, _n, i, chain, idx, j, shape = e
    index = idx if type(idx) is tuple else (idx,)
    wanted = (i >= 0, j >= 0)
    stand_in = Aval(shape, np.dtype(float), "array")
    gx, gv = update.vjp(g, None, (Ghost(g), stand_in), wanted, {"chain": chain, "index": index})
    for k, d in ((i, gx), (j, gv)):
        if k >= 0:
            c = ct[k]
            ct[k] = d if c is None else c + d


def setitem(x: Any, idx: Any, value: Any) -> None:
    """``x[idx] = value`` on a real array tracer with a plain array behind it."""
    root, chain = root_of(x)
    t = x.t
    kind = type(value)
    if type(root.v) is not ndarray or not is_basic(idx) or type(root) is not A:
        return indexing.setitem(x, idx, value)
    if (kind is S or kind is A) and value.t is t and type(value.v) in PLAIN:
        q, j = value.v, value.i
    elif kind in NUMBERS or kind is ndarray:
        q, j = value, -1
    else:
        return indexing.setitem(x, idx, value)
    if root.v.dtype.kind != "f":
        indexing.refuse_truncation(root, value)
        return indexing.setitem(x, idx, value)
    if holders(root) > ALONE or not root.v.flags.writeable:
        root.v = root.v.copy("K")
    v = root.v
    follow(v, chain)[idx] = q
    n = len(t)
    t.append((back_setitem, n, root.i, chain, idx, j, shape_of(q)))
    root.i = n
    for view in live_views(root):
        w = follow(v, view.chain)
        view.v = w.copy() if type(w) is ndarray else w
        view.i = len(t)
        t.append((back_follow, n, v.shape, v.dtype, view.chain))
    return None


def back_follow(ct: Cotangents, g: Any, e: Any) -> None:
    """A view that was read anew after a write: its cotangent goes to its part of the root's."""
    _, i, shape, dtype, chain = e
    if type(g) is not ndarray:
        zero = np.zeros(shape, dtype)
        d: Any = update(zero, g, chain=chain, index=(Ellipsis,))
    else:
        d = np.zeros(shape, dtype)
        follow(d, chain)[...] = g
    c = ct[i]
    ct[i] = d if c is None else c + d


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
        if (
            type(v) is not ndarray
            or type(q) is not ndarray
            or v.ndim != 2
            or q.ndim != 2
            or q.dtype.char not in _REAL
        ):
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
        if (
            type(v) is not ndarray
            or type(q) is not ndarray
            or v.ndim != 2
            or q.ndim != 2
            or v.dtype.char not in _REAL
        ):
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


FAST_FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def array_function(_x: Any, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's dispatch of functions for reverse tracers."""
    f = FAST_FUNCTIONS.get(function)
    return f(*args, **kwargs) if f is not None else FUNCTION_DISPATCH[0](function, args, kwargs)


def _install_reductions() -> None:
    total, product = (
        fast_reduction(reduce.reduce_sum, reductions.sum_),
        fast_reduction(reduce.reduce_prod, reductions.prod),
    )
    largest, smallest = (
        fast_reduction(reduce.reduce_max, reductions.extreme_max),
        fast_reduction(reduce.reduce_min, reductions.extreme_min),
    )

    def max_(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _NO,
        where: Any = True,
    ) -> Any:
        return largest(a, axis, None, out, keepdims, initial, where)

    def min_(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _NO,
        where: Any = True,
    ) -> Any:
        return smallest(a, axis, None, out, keepdims, initial, where)

    named = {"sum": total, "prod": product, "max": max_, "min": min_}
    for name, f in named.items():
        FAST_FUNCTIONS[getattr(np, name)] = f
        setattr(A, name, f)
    for cls in (S, A):
        cls.__array_function__ = array_function  # type: ignore[method-assign]


# ---- installation

FAST: dict[Any, Callable[..., Any]] = {}


def array_ufunc(_x: Any, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """NumPy's dispatch for reverse tracers: straight to the closure in the common case."""
    if method == "__call__" and not kwargs:
        f = FAST.get(ufunc)
        if f is not None:
            return f(*args)
    return UFUNC_DISPATCH[0](ufunc, method, args, kwargs)


def _either(left: Any, right: Any, record: Primitive) -> Callable[[Any, Any], Any]:
    def both(x: Any, y: Any) -> Any:
        kind = type(x)
        if kind is A or kind is S:
            return left(x, y) if not isinstance(y, list | tuple) else bind(record, x, np.array(y))
        kind = type(y)
        if kind is A or kind is S:
            return right(x, y) if not isinstance(x, list | tuple) else bind(record, np.array(x), y)
        return bind(record, x, y)

    return both


def _install_binary(name: str, left: Any, right: Any) -> None:
    for cls in (S, A):
        setattr(cls, f"__{name}__", _operator(left, getattr(Tracer, f"__{name}__"), swap=False))
        setattr(cls, f"__r{name}__", _operator(right, getattr(Tracer, f"__r{name}__"), swap=True))
    setattr(A, f"__i{name}__", in_place(left))
    # a constant handle to the left of a reverse tracer
    setattr(Constant, f"__{name}__", _operator_of_constant(right, getattr(Tracer, f"__{name}__")))


FIT = NUMBERS | {A, S, ndarray, Constant}


def _operator(fast: Any, general: Any, swap: bool) -> Callable[[Any, Any], Any]:
    if swap:
        return lambda x, y: fast(y, x) if type(y) in FIT else general(x, y)
    return lambda x, y: fast(x, y) if type(y) in FIT else general(x, y)


def _operator_of_constant(right: Any, general: Any) -> Callable[[Any, Any], Any]:
    return lambda x, y: right(x, y) if type(y) is A or type(y) is S else general(x, y)


def install() -> None:
    """Give reverse tracers their operators and their dispatch."""
    records = {record: ufunc for ufunc, record in UFUNCS.items() if isinstance(record, Primitive)}
    pairs: dict[Primitive, tuple[Any, Any]] = {}
    for record in REGISTRY.values():
        if record.family != "elementwise" or record not in records or not record.diffs:
            continue
        if len(record.diffs) == 1:
            FAST[records[record]] = fast_unary(record)
        else:
            pairs[record] = fast_binary(record)
            FAST[records[record]] = _either(*pairs[record], record)
    for name, f in BINARY.items():
        if isinstance(f, Primitive) and f in pairs:
            _install_binary(name, *pairs[f])
    product = fast_matmul()
    _install_binary("matmul", *product)
    FAST[np.matmul] = _either(*product, matmul)
    _install_power(*fast_binary(ops.power))
    negative = FAST[np.negative]
    for cls in (S, A):
        cls.__neg__ = negative  # type: ignore[attr-defined]
        cls.__array_ufunc__ = array_ufunc  # type: ignore[method-assign]
    _install_reductions()
    A.__getitem__ = getitem  # type: ignore[attr-defined]
    A.__setitem__ = setitem  # type: ignore[attr-defined]


def _install_power(left: Any, right: Any) -> None:
    square, root, same = FAST[np.square], FAST[np.sqrt], FAST[np.positive]

    def left_power(x: Any, y: Any) -> Any:
        if type(y) is int or type(y) is float:
            if y == 2:
                return square(x)
            if y == 1:
                return same(x)
            if y == 0.5:
                return root(x)
        return left(x, y)

    _install_binary("pow", left_power, right)
    FAST[np.power] = _either(left_power, right, ops.power)


install()
