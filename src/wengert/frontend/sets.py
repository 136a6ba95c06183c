"""NumPy's set functions: their values are elements of their arguments, and have the derivative of these.

How many there are depends on the values, which must therefore be known. Of elements that are equal the first one is
fetched, and of those that occur several times in a result each in its turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.trace import plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.joining import concatenate
from wengert.frontend.moving import gather
from wengert.frontend.shaping import ravel
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array


def _turns(values: Any) -> Any:
    """How often the value of each element occurs before it."""
    order = np.argsort(values, kind="stable")
    out = np.empty(len(values), np.intp)
    out[order] = np.arange(len(values)) - np.searchsorted(values[order], values[order])
    return out


def among(values: Any, pool: Any) -> Any:
    """The elements of the traced row ``pool`` that have these plain values, in turn."""
    known = np.asarray(plain(pool))
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known, values, sorter=order) + _turns(values), len(known) - 1)]
    if not np.array_equal(known[at], values, equal_nan=known.dtype.kind in "fc"):
        raise UnsupportedError(
            f"these elements are not unique, as assume_unique=True says that they are{at_line()}\n"
            "  write: assume_unique=False"
        )
    return gather(pool, at)


def _row(x: Any) -> Any:
    return ravel(as_array(x))


@implements(np.unique)
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: Any = None, *, equal_nan: bool = True, **options: Any,
) -> Any:  # fmt: skip
    x = as_array(ar)
    values = plain(x)
    flags = (return_index, return_inverse, return_counts)
    found: Any = np.unique(values, *flags, axis, equal_nan=equal_nan, **options)  # type: ignore[call-overload]
    if axis is None or ndim_of(x) == 1:
        distinct = among(found[0] if isinstance(found, tuple) else found, _row(x))
    else:
        _, first = np.unique(values, return_index=True, axis=axis, equal_nan=equal_nan)
        distinct = np.take(x, first, axis=normalize_axis_index(axis, ndim_of(x)))
    return (distinct, *found[1:]) if isinstance(found, tuple) else distinct


def _of_array_api(function: Any) -> Any:
    def rule(x: Any) -> Any:
        found = function(plain(as_array(x)))
        if not isinstance(found, tuple):
            return among(found, _row(x))
        return type(found)(among(found[0], _row(x)), *found[1:])

    return rule


for _function in (np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all):
    implements(_function)(_of_array_api(_function))


def _of_two(function: Any, both: bool) -> Any:
    """A set function of two arrays: its values are elements of both together, or of the first."""

    def rule(ar1: Any, ar2: Any, *args: Any, **kwargs: Any) -> Any:
        first, second = _row(ar1), _row(ar2)
        found = function(plain(first), plain(second), *args, **kwargs)
        values = found[0] if isinstance(found, tuple) else found
        pool = concatenate([first, second]) if both else first
        pool = pool if dtype_of(pool) == values.dtype else pool.astype(values.dtype)
        fetched = among(values, pool) if shape_of(pool)[0] else values
        return (fetched, *found[1:]) if isinstance(found, tuple) else fetched

    return rule


implements(np.union1d)(_of_two(np.union1d, both=True))
implements(np.setxor1d)(_of_two(np.setxor1d, both=True))
implements(np.setdiff1d)(_of_two(np.setdiff1d, both=False))
implements(np.intersect1d)(_of_two(np.intersect1d, both=False))


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours, between what is put in front and behind."""
    x = _row(ary)
    ends = {name: None if v is None else _row(v) for name, v in (("to_begin", to_begin), ("to_end", to_end))}
    for name, end in ends.items():
        if end is not None and not np.can_cast(dtype_of(end), dtype_of(x), casting="same_kind"):
            raise TypeError(f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule.")
    parts = [ends["to_begin"], x[1:] - x[:-1], ends["to_end"]]
    parts = [p.astype(dtype_of(x)) for p in parts if p is not None]
    return parts[0] if len(parts) == 1 else concatenate(parts)
