"""The operators and the dispatch of reverse tracers: straight to the closures, past NumPy's dispatch."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy import ndarray

from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.trace import FUNCTION_DISPATCH, UFUNC_DISPATCH, Constant, Tracer, bind
from wengert.errors import WengertError
from wengert.frontend import reductions
from wengert.frontend.methods import BINARY, in_place
from wengert.frontend.tables import as_numpy, name_of, raise_instead
from wengert.frontend.ufuncs import UFUNCS
from wengert.ops import elementwise as ops
from wengert.ops import reduce
from wengert.ops.products import matmul
from wengert.transforms.fast import NUMBERS, A, S, fast_binary, fast_matmul, fast_reduction, fast_unary
from wengert.transforms.fast_index import getitem, setitem

_NO = np._NoValue  # type: ignore[attr-defined]  # NumPy's own mark for an argument that was not given
PYTHON = frozenset({float, int, bool})
FAST_FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def array_function(_x: Any, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy's dispatch of functions for reverse tracers."""
    f = FAST_FUNCTIONS.get(function)
    return f(*args, **kwargs) if f is not None else FUNCTION_DISPATCH[0](function, args, kwargs)


def _generally(function: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction with options, whose failures are put into NumPy's words."""

    def general(x: Any, axis: Any, dtype: Any, out: Any, keepdims: Any, initial: Any, where: Any) -> Any:
        try:
            return rule(x, axis, dtype, out, keepdims, initial, where)
        except WengertError:
            raise
        except Exception as error:  # noqa: BLE001 - NumPy is asked what it is
            options = {"axis": axis, "out": out, "keepdims": keepdims, "initial": initial, "where": where}
            options |= {} if dtype is None else {"dtype": dtype}
            raise_instead(error, name_of(function), function, (x,), options)

    return general


def _install_reductions() -> None:
    total, product = (
        fast_reduction(reduce.reduce_sum, _generally(np.sum, reductions.sum_)),
        fast_reduction(reduce.reduce_prod, _generally(np.prod, reductions.prod)),
    )
    largest, smallest = (
        fast_reduction(reduce.reduce_max, _generally(np.max, reductions.extreme_max)),
        fast_reduction(reduce.reduce_min, _generally(np.min, reductions.extreme_min)),
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

    def mean(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
    ) -> Any:
        if type(a) is not A or out is not None or where is not True or dtype is not None:
            return reductions.mean(a, axis, dtype, out, keepdims, where=where)
        if a.v.dtype.char == "e" or not a.v.ndim:  # half precision is added up in single
            return reductions.mean(a, axis, dtype, out, keepdims)
        y = total(a, axis, None, None, keepdims)
        return (
            y / (prod(a.shape) // max(prod(y.shape), 1))
            if prod(y.shape)
            else reductions.mean(a, axis, keepdims=keepdims)
        )

    named = {"mean": mean, "sum": total, "prod": product, "max": max_, "min": min_}
    for name, f in named.items():
        FAST_FUNCTIONS[getattr(np, name)] = f
        setattr(A, name, f)
    for cls in (S, A):
        cls.__array_function__ = array_function  # type: ignore[method-assign]


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


def _of_numpy_numbers(fast: Callable[..., Any]) -> Callable[..., Any]:
    """Called as a ufunc on Python numbers: by NumPy's arithmetic, not by Python's (``np.divide(1.0, 0.0)``)."""

    def of_numpy(*args: Any) -> Any:
        for x in args:
            if type(x.v if type(x) is S else x) not in PYTHON:
                return fast(*args)
        return fast(*as_numpy(args))

    return of_numpy


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
            fast = fast_unary(record)
        else:
            pairs[record] = fast_binary(record)
            fast = _either(*pairs[record], record)
        FAST[records[record]] = fast if record.impl is record.ufunc else _of_numpy_numbers(fast)
    for name, f in BINARY.items():
        if isinstance(f, Primitive) and f in pairs:
            _install_binary(name, *pairs[f])
    product = fast_matmul()
    _install_binary("matmul", *product)
    FAST[np.matmul] = _either(*product, matmul)
    _install_power(*fast_binary(ops.power))
    negative = fast_unary(ops.negative)
    for cls in (S, A):
        cls.__neg__ = negative  # type: ignore[attr-defined]
        cls.__array_ufunc__ = array_ufunc  # type: ignore[method-assign]
    _install_reductions()
    A.__getitem__ = getitem  # type: ignore[attr-defined]
    A.__setitem__ = setitem  # type: ignore[attr-defined]


def _install_power(left: Any, right: Any) -> None:
    square, root, same = fast_unary(ops.square), FAST[np.sqrt], fast_unary(ops.positive)

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
    FAST[np.power] = _of_numpy_numbers(_either(left_power, right, ops.power))


install()
