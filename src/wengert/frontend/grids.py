"""Grids, windows, and the indices of parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wengert.core.handles import attach
from wengert.core.trace import ArrayTracer
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.asking import answer, stand_in
from wengert.frontend.moving import element_numbers, gather
from wengert.frontend.shaping import reshape
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array


@implements(np.meshgrid, always=True)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Each vector along an axis of its own, stretched over the others: without ``copy`` as views."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"valid values for `indexing` are 'xy' and 'ij', not {indexing!r}{at_line()}")
    vectors = [as_array(x) for x in xi]
    n = len(vectors)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    out = [
        reshape(x, tuple(-1 if k == place else 1 for k in range(n))) for x, place in zip(vectors, places, strict=True)
    ]
    if not sparse:
        out = list(np.broadcast_arrays(*out))
    return tuple(x.copy() for x in out) if copy else tuple(out)


@implements(np.ix_, always=True)
def ix_(*args: Any) -> Any:
    """Vectors along axes of their own, to index with all combinations; booleans stand for where they are true."""
    out: list[Any] = []
    for k, raw in enumerate(args):
        x = as_array(raw)
        if ndim_of(x) != 1:
            raise ValueError(f"cross index must be 1 dimensional, not of shape {shape_of(x)}{at_line()}")
        if shape_of(x)[0] == 0 and not isinstance(raw, np.ndarray):
            x = x.astype(np.intp)
        if dtype_of(x).kind == "b":
            (x,) = np.nonzero(x)
        out.append(reshape(x, tuple(shape_of(x)[0] if j == k else 1 for j in range(len(args)))))
    return tuple(out)


def _indices_of(function: Any) -> None:
    """Functions that read of their argument no more than its shape."""
    implements(function)(lambda arr, *args, **kwargs: function(stand_in(arr), *args, **kwargs))


for _name in ("tril_indices_from", "triu_indices_from", "diag_indices_from"):
    _indices_of(getattr(np, _name))


@implements(sliding_window_view, always=True)
def sliding_windows(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """All windows of a shape: a view that follows its base and cannot be written to."""
    del subok
    x = as_array(x)
    answer(sliding_window_view, x, window_shape, axis)
    if writeable:
        raise UnsupportedError(
            f"a sliding window view that can be written to, in which windows overlap{at_line()}\n"
            "  write: to the array itself, or to a copy of the windows"
        )
    out = gather(x, sliding_window_view(element_numbers(x), window_shape, axis))
    if isinstance(x, ArrayTracer):
        attach(out, x, ("windows", (window_shape, axis)))
    return out
