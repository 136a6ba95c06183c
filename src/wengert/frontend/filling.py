"""NumPy's functions that write into their argument: put, place, putmask, fill_diagonal, flat, ufunc.at.

Each is an assignment by index, or ``copyto`` by a mask: aliasing, derivatives and batches are theirs. NumPy numbers
the elements row by row, whichever way they lie in memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from wengert.core.handles import root_of
from wengert.core.trace import ArrayTracer, Constant, Tracer, lower
from wengert.core.types import aval_of, dtype_of, shape_of
from wengert.errors import EscapeError, at_line
from wengert.frontend.escapes import to_array
from wengert.frontend.indexing import getitem, refuse_overlap
from wengert.frontend.moving import element_numbers
from wengert.frontend.shaping import ravel
from wengert.frontend.tables import AT, foreign_buffer, implements, name_of, tracers_in, unwrapped
from wengert.frontend.values import as_array
from wengert.ops.index import ARRAY, refuse_read_only, scatter_add


def writes(function: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter what a NumPy function does that writes into its first argument, for traced values and constants."""

    def enter(rule: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(rule)
        def writer(a: Any, *args: Any, **kwargs: Any) -> None:
            if isinstance(a, Tracer):
                refuse_read_only(root_of(a)[1])  # type: ignore[arg-type]  # also where nothing is written
                rule(a, *args, **kwargs)
                return
            if any(type(t) is not Constant for t in tracers_in((*args, *kwargs.values()))):
                raise EscapeError(foreign_buffer(f"{name_of(function)} writes a traced value into"))
            function(a, *unwrapped(list(args)), **unwrapped(kwargs))

        return implements(function, always=True)(writer)

    return enter


def coordinates(numbers: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index for elements given by their numbers, which may be traced."""
    found: list[Any] = []
    for n in reversed(shape):
        found.append(numbers % n)
        numbers = numbers // n
    return tuple(reversed(found))


def cycled(values: Any, n: int) -> Any:
    """``values`` in one row, repeated or cut to ``n``."""
    row = ravel(as_array(values))
    have = shape_of(row)[0]
    return row if have == n else getitem(row, np.arange(n) % have)


def write_numbers(a: ArrayTracer, numbers: Any, values: Any) -> None:
    """Write ``values``, in one row, to the elements with these numbers; the last one written to a place stays."""
    target = a if a.ndim else a.reshape(1)
    target[coordinates(numbers, target.shape)] = values


@writes(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    if mode != "raise":
        np.take(np.zeros(1), 0, mode=mode)  # type: ignore[call-overload]  # NumPy's own error for a mode that is none
    numbers, size = ravel(as_array(ind)), a.size
    n = shape_of(numbers)[0]
    values = as_array(v)
    if n == 0 or aval_of(values).size == 0:
        return
    if mode == "wrap":
        numbers = numbers % size
    elif mode == "clip":
        numbers = np.clip(numbers, 0, size - 1)
    else:
        numbers = within(numbers, size)
    write_numbers(a, numbers, cycled(values, n))


def within(numbers: Any, size: int) -> Any:
    """Numbers of elements, negative ones from the end, none beyond it."""
    known: Any = lower(numbers)
    if type(known) is np.ndarray:
        wrong = known[(known < -size) | (known >= size)]
        if wrong.size:
            raise IndexError(f"index {wrong[0]} is out of bounds for an array of {size} elements{at_line()}")
    return np.where(known < 0, known + size, known)


def same_size(name: str, a: Any, mask: Any) -> Any:
    """A mask in the shape of what it is for; NumPy asks only for its size."""
    mask = as_array(mask)
    if aval_of(mask).size != a.size:
        raise ValueError(f"{name}: mask and data must be the same size, not {mask.shape} and {a.shape}{at_line()}")
    return np.reshape(mask != 0, a.shape)


@writes(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    mask, values = same_size("np.place", arr, mask), ravel(as_array(vals))
    n = shape_of(values)[0]
    if n == 0:
        if isinstance(mask, Tracer) or mask.any():
            raise ValueError(f"np.place: cannot insert from an empty array{at_line()}")
        return
    known: Any = lower(mask)
    if type(known) is np.ndarray:
        refuse_overlap(arr, np.flatnonzero(known), vals, "np.place")
    order = np.reshape(np.cumsum(mask) - 1, arr.shape)  # which of the values is for this place
    np.copyto(arr, getitem(values, order % n), casting="unsafe", where=mask)


@writes(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    mask, values = same_size("np.putmask", a, mask), as_array(values)
    if aval_of(values).size:
        np.copyto(a, np.reshape(cycled(values, a.size), a.shape), casting="safe", where=mask)


@writes(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if a.ndim < 2:
        raise ValueError(f"array must be at least 2-d, not of shape {a.shape}{at_line()}")
    if a.ndim == 2:
        step, end = a.shape[1] + 1, a.size if wrap else a.shape[1] * a.shape[1]
    else:
        if len(set(a.shape)) > 1:
            raise ValueError(f"all dimensions of input must be of equal length, not {a.shape}{at_line()}")
        step, end = 1 + sum(prod(a.shape[:k]) for k in range(1, a.ndim)), a.size
    put(a, np.arange(0, min(end, a.size), step), val)


@writes(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    # which elements it writes is which elements take_along_axis takes
    numbers = np.take_along_axis(element_numbers(arr), indices, axis)
    write_numbers(arr, numbers, values)


# ---- x.flat


_PLAIN = np.zeros(2)
FLAT_SHARES = np.may_share_memory(np.array(_PLAIN.flat), _PLAIN)


class Flat:
    """``x.flat``: the elements of ``x`` one after another, to be read, iterated over and written to."""

    __slots__ = ("base", "index")

    def __init__(self, base: ArrayTracer) -> None:
        self.base = base
        self.index = 0

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        return np.flatiter

    @property
    def coords(self) -> tuple[int, ...]:
        """Where the next element stands."""
        return tuple(int(k) for k in np.unravel_index(self.index, self.base.shape))

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.index >= self.base.size:
            raise StopIteration
        self.index += 1
        return self[self.index - 1]

    def _numbers(self, idx: Any) -> Any:
        size = self.base.size
        if type(idx) is int or isinstance(idx, np.integer):
            return int(within(np.array([idx]), size)[0])
        if isinstance(idx, Tracer) and idx.dtype.kind in "iu":
            return within(idx, size)
        return getitem(np.arange(size), idx)

    def __getitem__(self, idx: Any) -> Any:
        numbers = self._numbers(idx)
        target = self.base if self.base.ndim else self.base.reshape(1)
        return target[coordinates(numbers, target.shape)]

    def __setitem__(self, idx: Any, value: Any) -> None:
        refuse_read_only(root_of(self.base)[1])
        value = as_array(value)
        if not aval_of(value).size:
            return
        numbers = self._numbers(idx)
        n = prod(shape_of(numbers))
        refuse_overlap(self.base, numbers, value, ".flat")
        if shape_of(numbers) == () and shape_of(value):
            raise ValueError(f"one element of .flat takes one number, not an array of shape {value.shape}{at_line()}")
        if n:
            write_numbers(self.base, numbers, np.reshape(cycled(value, n), shape_of(numbers)))

    def copy(self) -> Any:
        """All elements, as an array of their own."""
        return self.base.flatten()

    def elements(self) -> Any:
        """All elements as NumPy makes an array of ``x.flat``: of an array without gaps it may be a view."""
        return self.base.ravel() if FLAT_SHARES else self.copy()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return to_array(self.copy(), dtype, copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*_without_flat(args), **_without_flat(kwargs))

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_without_flat(args), **_without_flat(kwargs))

    def __eq__(self, other: object) -> Any:
        return self.copy() == _without_flat(other)

    def __ne__(self, other: object) -> Any:
        return self.copy() != _without_flat(other)

    __hash__ = None  # type: ignore[assignment]  # as NumPy's

    def __lt__(self, other: Any) -> Any:
        return self.copy() < _without_flat(other)

    def __le__(self, other: Any) -> Any:
        return self.copy() <= _without_flat(other)

    def __gt__(self, other: Any) -> Any:
        return self.copy() > _without_flat(other)

    def __ge__(self, other: Any) -> Any:
        return self.copy() >= _without_flat(other)


def _without_flat(x: Any) -> Any:
    if type(x) is Flat:
        return x.copy()
    if type(x) in (list, tuple):
        return type(x)(_without_flat(e) for e in x)
    return {key: _without_flat(e) for key, e in x.items()} if type(x) is dict else x


# ---- ufunc.at


def at(ufunc: np.ufunc, a: Any, indices: Any, *operands: Any) -> None:
    """``a[indices] = ufunc(a[indices], b)``, where each mention of a place counts, one after the other.

    Additions are one sum. Otherwise the first mentions of all places are one operation, the second ones another;
    which mention is which is known only of indices that have a value.
    """
    if not isinstance(a, Tracer):
        raise EscapeError(foreign_buffer(f"np.{ufunc.__name__}.at writes a traced value into"))
    found = getitem(element_numbers(a), indices)
    shape = shape_of(found)
    numbers = np.reshape(found, (prod(shape),))
    # copies: what is read may overlap what is written
    rest = [np.reshape(np.broadcast_to(as_array(b), shape), (prod(shape),)).copy() for b in operands]
    target: Any = a if a.ndim else a.reshape(1)
    if ufunc in (np.add, np.subtract):
        total = scatter_add(lower(rest[0]), numbers, shape=(a.size,), index=(ARRAY,))
        target[...] = _kept(ufunc(target, np.reshape(total, target.shape)), a)
        return
    for turn in _turns(numbers):
        where = coordinates(numbers[turn], target.shape)
        target[where] = _kept(ufunc(target[where], *(b[turn] for b in rest)), a)


def _turns(numbers: Any) -> list[Any]:
    """The positions in ``numbers``, in groups of which none names a place twice."""
    known = lower(numbers)
    if isinstance(known, Tracer):
        return list(range(shape_of(known)[0]))
    order = np.argsort(known, kind="stable")
    ordered = known[order]
    mention = np.empty(known.shape, np.intp)
    mention[order] = np.arange(known.size) - np.searchsorted(ordered, ordered)
    return [np.flatnonzero(mention == k) for k in range(mention.max(initial=-1) + 1)]


def _kept(value: Any, a: Tracer) -> Any:
    if not np.can_cast(dtype_of(value), a.dtype, "same_kind"):
        raise EscapeError(
            f"a result of {dtype_of(value)} would be truncated in an array of {a.dtype}{at_line()}\n"
            "  write: make the array with dtype=float"
        )
    return value


AT.append(at)
