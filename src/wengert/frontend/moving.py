"""NumPy's functions that copy elements about.

They are gathers: the function is applied to the elements' numbers, and the elements are fetched by the numbers
that come out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert.core.handles import attach
from wengert.core.trace import ArrayTracer, Tracer, plain
from wengert.core.types import Aval, aval_of, dtype_of, ndim_of, shape_of
from wengert.errors import EscapeError, at_line
from wengert.frontend.asking import answer
from wengert.frontend.indexing import getitem
from wengert.frontend.joining import concatenate
from wengert.frontend.shaping import lying, memory_order, ravel
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array
from wengert.ops import shape as ops


def gather(x: Any, numbers: np.ndarray[Any, Any]) -> Any:
    """The elements of ``x`` by their numbers in row order; -1 stands for a zero."""
    flat = ops.reshape(x, shape=(aval_of(x).size,))
    if numbers.size and numbers.min() < 0:
        zero = False if flat.dtype.kind == "b" else 0
        return np.where(numbers >= 0, getitem(flat, np.maximum(numbers, 0)), zero)
    return getitem(flat, numbers)


def element_numbers(x: Any, first: int = 0) -> np.ndarray[Any, Any]:
    """An array of the shape of ``x`` that holds each element's number, and lies in memory as ``x`` does.

    What is fetched by numbers lies as these do, so that NumPy's functions on them decide how their results lie.
    """
    aval: Aval = aval_of(x)
    numbers = np.arange(first, first + aval.size).reshape(aval.shape)
    order = memory_order(x) if aval.ndim > 1 else None
    if order is None or order == tuple(range(aval.ndim)):
        return numbers
    return np.array(numbers.transpose(order), order="C").transpose(np.argsort(order))


def moves(function: Any, fills: bool = False) -> None:
    """Enter a NumPy function that moves elements of its first argument (and, with ``fills``, puts in zeros)."""

    def rule(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = as_array(a)
        if fills:
            return gather(x, function(element_numbers(x, 1), *args, **kwargs) - 1)
        return gather(x, function(element_numbers(x), *args, **kwargs))

    rule.__name__ = function.__name__
    implements(function)(rule)


for _function in (np.repeat, np.tile, np.resize):
    moves(_function)
for _function in (np.diagflat, np.tril, np.triu):
    moves(_function, fills=True)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    x = as_array(a)
    rolled = gather(x, np.roll(element_numbers(x), shift, axis))
    return rolled if axis is None else lying(rolled, memory_order(x))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    x = as_array(arr)
    return gather(x, np.delete(element_numbers(x), plain(obj), axis))


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """New elements have numbers behind the old ones; they take on the dtype of ``arr``."""
    x, new = as_array(arr), as_array(values)
    if isinstance(new, Tracer) and dtype_of(new).kind in "fc" and dtype_of(x).kind in "iub":
        raise EscapeError(
            f"np.insert of a traced {new.aval} into an array of {dtype_of(x)}, which would truncate it{at_line()}\n"
            "  write: arr.astype(float)"
        )
    new = new.astype(dtype_of(x))
    numbers = np.insert(element_numbers(x), plain(obj), element_numbers(new, aval_of(x).size), axis)
    return gather(concatenate([ravel(x), ravel(new)]), numbers)


@implements(np.diagonal, always=True)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A view that follows its base and cannot be written to, as NumPy's."""
    x = as_array(a)
    out = gather(x, np.diagonal(element_numbers(x), offset, axis1, axis2))
    if isinstance(x, ArrayTracer):
        attach(out, x, ("diagonal", (offset, axis1, axis2)))
    return out


@implements(np.linalg.diagonal, always=True)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@implements(np.diag, always=True)
def diag(v: Any, k: int = 0) -> Any:
    x = as_array(v)
    if ndim_of(x) == 1:
        return gather(x, np.diag(element_numbers(x, 1), k) - 1)
    if ndim_of(x) != 2:
        raise ValueError(f"np.diag of an array of shape {shape_of(x)}: it must be 1- or 2-d{at_line()}")
    return diagonal(x, k)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The part from the first to the last element that is not zero, which the values decide: a view."""
    x = as_array(filt)
    values = plain(x)
    answer(np.trim_zeros, values, trim, *(() if axis is None else (axis,)))
    trim = trim.lower()
    axes = range(ndim_of(x)) if axis is None else normalize_axis_tuple(axis, ndim_of(x))
    places = np.argwhere(values)
    index = [slice(None)] * ndim_of(x)
    for k in axes:
        first, last = (places[:, k].min(), places[:, k].max()) if len(places) else (shape_of(x)[k], -1)
        start = int(first) if "f" in trim else 0
        index[k] = slice(start, max(int(last) + 1, start) if "b" in trim else shape_of(x)[k])
    return getitem(x, tuple(index))
