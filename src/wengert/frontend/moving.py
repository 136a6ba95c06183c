"""NumPy's functions that copy elements about.

They are gathers: the function is applied to the elements' numbers, and the elements are fetched by the numbers
that come out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.handles import attach
from wengert.core.trace import ArrayTracer
from wengert.core.types import Aval, aval_of, dtype_of, ndim_of, shape_of
from wengert.frontend.indexing import getitem
from wengert.frontend.joining import concatenate
from wengert.frontend.shaping import lying, memory_order, ravel
from wengert.frontend.tables import implements, on_constants, tracers_in
from wengert.frontend.values import as_array
from wengert.ops import shape as ops


def gather(x: Any, numbers: np.ndarray[Any, Any]) -> Any:
    """The elements of ``x`` by their numbers in row order; -1 stands for a zero."""
    flat = ops.reshape(x, shape=(aval_of(x).size,))
    if numbers.size and numbers.min() < 0:
        return np.where(numbers >= 0, getitem(flat, np.maximum(numbers, 0)), 0)
    return getitem(flat, numbers)


def element_numbers(x: Any, first: int = 0) -> np.ndarray[Any, Any]:
    """An array of the shape of ``x`` that holds each element's number."""
    aval: Aval = aval_of(x)
    return np.arange(first, first + aval.size).reshape(aval.shape)


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
    return lying(gather(x, np.roll(element_numbers(x), shift, axis)), memory_order(x))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    return gather(arr, np.delete(element_numbers(arr), obj, axis))


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    new = as_array(values).astype(dtype_of(arr))
    old = aval_of(arr).size
    numbers = np.insert(element_numbers(arr), obj, element_numbers(new, old), axis)
    return gather(concatenate([ravel(arr), ravel(new)]), numbers)


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
    return diagonal(x, k)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Padding that copies or fills: modes constant, edge, wrap, reflect and symmetric (even)."""
    from_elements = {"edge", "wrap", "reflect", "symmetric"}
    if mode in from_elements and kwargs.get("reflect_type", "even") == "even":
        return gather(array, np.pad(element_numbers(array), pad_width, mode, **kwargs))
    if mode == "constant":
        value = kwargs.get("constant_values", 0)
        if not tracers_in((value,)):
            numbers = np.pad(element_numbers(array, 1), pad_width) - 1
            fill = np.pad(np.zeros(shape_of(array), dtype_of(array)), pad_width, constant_values=value)
            return np.where(numbers >= 0, gather(array, numbers), fill)
    return on_constants(np.pad, (array, pad_width, mode), kwargs, f"np.pad with mode={mode!r}")
