"""NumPy's functions that join arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.types import ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.asking import answer
from wengert.frontend.shaping import atleast_1d, atleast_2d, atleast_3d, ravel, reshape
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array
from wengert.ops import shape as ops


def concatenate(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Arrays joined along an axis they have."""
    if dtype is not None or out is not None or casting != "same_kind":
        answer(np.concatenate, list(arrays), axis, out=out, dtype=dtype, casting=casting)
    parts = [as_array(x) for x in (arrays if isinstance(arrays, list | tuple) else list(arrays))]
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    ndim = ndim_of(parts[0])
    if ndim == 0:
        raise ValueError(
            f"zero-dimensional arrays cannot be concatenated{at_line()}\n  write: np.stack or np.array([...])"
        )
    axis = normalize_axis_index(axis, ndim)
    rest = {shape_of(x)[:axis] + shape_of(x)[axis + 1 :] for x in parts}
    if len(rest) != 1 or any(ndim_of(x) != ndim for x in parts):
        raise ShapeError(
            f"arrays of shapes {[shape_of(x) for x in parts]} cannot be joined along axis {axis}{at_line()}"
        )
    y = ops.concatenate(*parts, axis=axis)
    if dtype is not None:
        y = y.astype(dtype)
    return y if out is None else into(out, y, casting)


implements(np.concatenate)(concatenate)
if hasattr(np, "concat") and np.concat is not np.concatenate:
    implements(np.concat)(concatenate)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = list(arrays)
    shapes = {shape_of(x) for x in parts}
    if len(shapes) != 1:
        raise ValueError(f"all input arrays must have the same shape, got {[shape_of(x) for x in parts]}{at_line()}")
    axis = normalize_axis_index(axis, len(next(iter(shapes))) + 1)
    return concatenate([expand_dims_copy(x, axis) for x in parts], axis, out, dtype=dtype, casting=casting)


def expand_dims_copy(x: Any, axis: int) -> Any:
    """``x`` with a new axis, not as a view."""
    shape = shape_of(x)
    return ops.reshape(x, shape=(*shape[:axis], 1, *shape[axis:]))


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    return concatenate([atleast_2d(x) for x in tup], 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [atleast_1d(x) for x in tup]
    return concatenate(parts, 0 if ndim_of(parts[0]) == 1 else 1, dtype=dtype, casting=casting)


implements(np.dstack)(lambda tup: concatenate([atleast_3d(x) for x in tup], 2))


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    parts = [as_array(x) for x in tup]
    return concatenate([reshape(x, (-1, 1)) if ndim_of(x) < 2 else x for x in parts], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """Nested lists of blocks: the innermost are joined along the last axis."""
    depth = _depth(arrays)
    ndim = max(depth, *(ndim_of(x) for x in _flatten(arrays)))

    def join(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            x = as_array(part)
            return ops.reshape(x, shape=(*(1,) * (ndim - ndim_of(x)), *shape_of(x)))
        return concatenate([join(p, level + 1) for p in part], level - depth)

    return join(arrays, 0)


def _depth(part: Any) -> int:
    """How deep the lists are nested: all of them alike, and none of them empty."""
    if isinstance(part, tuple):
        raise TypeError(f"np.block of a tuple{at_line()}\n  write: lists; only they are taken for rows of blocks")
    if not isinstance(part, list):
        return 0
    depths = {_depth(p) for p in part}
    if len(depths) != 1:
        what = "lists nested to different depths" if depths else "an empty list"
        raise ValueError(f"np.block of {what}{at_line()}")
    return depths.pop() + 1


def _flatten(part: Any) -> list[Any]:
    return [x for p in part for x in _flatten(p)] if isinstance(part, list) else [part]
