"""NumPy's sorting and searching. Positions have no derivative, elements are fetched by them; ties keep their order."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.trace import Tracer, plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.frontend.asking import answer
from wengert.frontend.choosing import take_along_axis
from wengert.frontend.shaping import lying, memory_order
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array
from wengert.ops import order as ops
from wengert.ops.shape import reshape


def lined(a: Any, axis: Any) -> tuple[Any, int]:
    """An array and the axis along which it is looked at: all elements in one row for None."""
    x = as_array(a)
    if axis is None:
        return reshape(x, shape=(int(np.prod(shape_of(x))),)), 0
    return x, normalize_axis_index(axis, ndim_of(x))


def _check(x: Any, **options: Any) -> None:
    """NumPy's own errors about how to sort."""
    if any(value is not None for value in options.values()):
        np.argsort(np.empty(0, dtype_of(x)), **options)


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    x, axis = lined(a, axis)
    _check(x, kind=kind, order=order, stable=stable)
    return lying(take_along_axis(x, ops.argsort(x, axis=axis, kind="stable"), axis), memory_order(x))


@implements(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    x, axis = lined(np.atleast_1d(as_array(a)), axis)
    _check(x, kind=kind, order=order, stable=stable)
    return ops.argsort(x, axis=axis, kind="stable" if stable else kind)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Any:
    x, axis = lined(a, axis)
    answer(np.partition, np.empty(shape_of(x)[axis], dtype_of(x)), kth, kind=kind, order=order)
    return lying(take_along_axis(x, ops.partition_order(x, axis=axis, kth=plain(kth)), axis), memory_order(x))


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Any:
    x, axis = lined(np.atleast_1d(as_array(a)), axis)
    answer(np.argpartition, np.empty(shape_of(x)[axis], dtype_of(x)), kth, kind=kind, order=order)
    return ops.argpartition(x, axis=axis, kth=plain(kth))


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Sorted by real part, then by imaginary part, as complex numbers."""
    x = sort(a)
    dtype = dtype_of(x)
    if dtype.kind == "c":
        return x
    return x.astype("F" if dtype.char in "bhBH" else "G" if dtype.char == "g" else "D")


@implements(np.lexsort)
def lexsort(keys: Any, axis: Any = -1) -> Any:
    rows = [as_array(k) for k in (keys if isinstance(keys, list | tuple) else as_array(keys))]
    if not rows or not any(isinstance(k, Tracer) for k in rows):
        return np.lexsort(rows, axis=axis)
    ndim, axis = ndim_of(rows[0]), index(axis)
    axis = normalize_axis_index(axis, ndim) if ndim else 0
    return ops.lexsort(*rows, axis=axis - ndim)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    rest = () if sorter is None else (as_array(sorter),)
    return ops.searchsorted(as_array(a), _element(v), *rest, side=side)


def _element(v: Any) -> Any:
    return as_array(v) if isinstance(v, list | tuple) else v


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: Any = False) -> Any:
    """The number of the bin in which each element lies; the bins rise or fall."""
    return ops.digitize(as_array(x), as_array(bins), right=right)


def isin(element: Any, test_elements: Any, assume_unique: Any = False, invert: Any = False, *, kind: Any = None) -> Any:
    """Whether each element is among others."""
    options = {"assume_unique": assume_unique, "invert": invert, "kind": kind}
    return ops.isin(as_array(element), as_array(test_elements), **options)


implements(np.isin)(isin)
if hasattr(np, "in1d"):  # until NumPy 2.3
    implements(getattr(np, "in1d"))(lambda ar1, ar2, *args, **kwargs: np.ravel(isin(ar1, ar2, *args, **kwargs)))  # noqa: B009
