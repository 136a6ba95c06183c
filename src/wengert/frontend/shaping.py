"""NumPy's functions that shape, join, split and move elements.

Those that give views in NumPy are made of reshape, transpose and basic indexing on the handle, so that
writes go through. Those that copy elements about are gathers: the function is applied to the elements'
numbers, and the elements are fetched by the numbers that come out.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.handles import attach, root_of
from wengert.core.trace import ArrayTracer, Constant, Tracer, plain
from wengert.core.types import Aval, aval_of, dtype_of, ndim_of, shape_of
from wengert.errors import ShapeError, UnsupportedError, at_line
from wengert.frontend.indexing import getitem
from wengert.frontend.tables import as_numpy, implements, on_constants, tracers_in
from wengert.ops import shape as ops
from wengert.ops.index import follow

_NO = np._NoValue  # type: ignore[attr-defined]


def as_array(x: Any) -> Any:
    """Lists and numbers as arrays; of traced numbers those of Python become NumPy's."""
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, list | tuple) and any(type(t) is not Constant for t in tracers_in(x)):
        return stacked(x)
    return as_numpy((x,))[0] if isinstance(x, Tracer) else np.array(x)


def stacked(values: Any) -> Any:
    """A nested list with traced values in it, as one array."""
    rows = [stacked(v) if isinstance(v, list | tuple) else v for v in values]
    shapes = [shape_of(r) for r in rows]
    if len(set(shapes)) > 1:
        raise ShapeError(
            f"np.array of rows of different shapes, {shapes}{at_line()}\n  write: rows of one length"
        )
    return ops.stacked([r.v if type(r) is Constant else r for r in rows])


def like_scalar(x: Any, y: Any) -> Any:
    """``y``, as a number where ``x`` is one: np.where and its like give arrays without axes."""
    return y if aval_of(x).kind == "array" else as_number(y)


def as_number(y: Any) -> Any:
    """An array without axes as a number; an array that has some as it is."""
    return y if ndim_of(y) or aval_of(y).kind != "array" else y[()]


def common_dtype(values: Any) -> np.dtype[Any]:
    """The dtype that NumPy finds for values together, in which Python's numbers are weak."""
    weak = {"f": 0.0, "i": 0, "c": 0j, "b": False}
    avals = [aval_of(as_array(x) if isinstance(x, list | tuple) else x) for x in values]
    return np.result_type(*[weak[a.dtype.kind] if a.kind == "python" else a.dtype for a in avals])


# ---- views


def reshape(a: Any, shape: Any = None, order: Any = "C", *, copy: Any = None) -> Any:
    """``a`` in another shape, row by row (or column by column for order 'F')."""
    x = as_array(a)
    if order != "C" and row_or_column(x, order) == "F":
        turned = reshape(transpose(x), tuple(reversed(wanted_shape(x, shape))))
        return transpose(turned)
    new = wanted_shape(x, shape)
    out = ops.reshape(x, shape=new)
    if isinstance(x, ArrayTracer) and not copy and shares_memory(x, ("reshape", new)):
        attach(out, x, ("reshape", new))
    return out


implements(np.reshape, always=True)(reshape)


def row_or_column(x: Any, order: str) -> str:
    """'C' or 'F': what NumPy's orders come to, of which 'A' and 'K' look at how ``x`` lies in memory."""
    if order not in ("A", "K") or ndim_of(x) < 2:
        return order
    flags = getattr(layout(x), "flags", None)
    if flags is None or not (flags.c_contiguous or flags.f_contiguous or order == "A"):
        raise UnsupportedError(
            f"order={order!r} asks how a traced array lies in memory{at_line()}\n  write: order='C' or order='F'"
        )
    return "F" if flags.f_contiguous and not flags.c_contiguous else "C"


def layout(x: Any) -> Any:
    """A plain array that lies in memory as ``x`` does where nothing is traced; None where it is abstract."""
    if not isinstance(x, ArrayTracer):
        return x
    root, chain = root_of(x)
    try:
        return follow(plain(root), chain)
    except TypeError:
        return None


def wanted_shape(x: Any, shape: Any) -> tuple[int, ...]:
    """The shape asked for, with -1 filled in."""
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    have = shape_of(x)
    size = prod(have)
    try:
        return np.empty(have).reshape(shape).shape if size == 0 else _filled(size, shape)
    except ValueError:
        raise ValueError(
            f"cannot reshape an array of shape {have} ({size} elements) into {shape}{at_line()}"
        ) from None


def _filled(size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    known = prod(n for n in shape if n != -1)
    free = shape.count(-1)
    if free > 1 or known == 0 or (size % known if free else size != known):
        raise ValueError
    return tuple(size // known if n == -1 else n for n in shape)


def shares_memory(x: ArrayTracer, step: Any) -> bool:
    """Whether NumPy makes a view of ``x`` by this step: asked of the plain array at the root."""
    base = layout(x)
    if base is None:  # abstract: as for an array in C order
        root, chain = root_of(x)
        base = follow(np.empty(root.shape), chain)
    return np.may_share_memory(follow(base, (step,)), base)


def transpose(a: Any, axes: Any = None) -> Any:
    """``a`` with its axes in another order, by default backwards."""
    x = as_array(a)
    n = ndim_of(x)
    order = tuple(reversed(range(n))) if axes is None else normalize_axis_tuple(axes, n)
    if len(order) != n:
        raise ValueError(f"axes {axes} are not a permutation of the axes of an array of shape {shape_of(x)}{at_line()}")
    if n < 2:
        return x
    out = ops.transpose(x, axes=order)
    if isinstance(x, ArrayTracer):
        attach(out, x, ("transpose", order))
    return out


implements(np.transpose, always=True)(transpose)
if hasattr(np, "permute_dims") and np.permute_dims is not np.transpose:
    implements(np.permute_dims, always=True)(transpose)


@implements(np.matrix_transpose, np.linalg.matrix_transpose, always=True)
def matrix_transpose(x: Any) -> Any:
    return swapaxes(x, -1, -2)


@implements(np.swapaxes, always=True)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(ndim_of(a)))
    i, j = normalize_axis_index(axis1, len(order)), normalize_axis_index(axis2, len(order))
    order[i], order[j] = order[j], order[i]
    return transpose(a, order)


@implements(np.moveaxis, always=True)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    n = ndim_of(a)
    start, stop = normalize_axis_tuple(source, n), normalize_axis_tuple(destination, n)
    order = [k for k in range(n) if k not in start]
    for to, axis in sorted(zip(stop, start, strict=True)):
        order.insert(to, axis)
    return transpose(a, order)


@implements(np.rollaxis, always=True)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    order = np.rollaxis(np.empty(tuple(range(ndim_of(a)))), axis, start).shape
    return transpose(a, order)


@implements(np.ravel, always=True)
def ravel(a: Any, order: Any = "C") -> Any:
    return reshape(a, (-1,) if as_array(a).size else (0,), order)


@implements(np.expand_dims, always=True)
def expand_dims(a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    n = ndim_of(a) + len(axes)
    places = normalize_axis_tuple(axes, n)
    return getitem(as_array(a), tuple(None if k in places else slice(None) for k in range(n)))


@implements(np.squeeze, always=True)
def squeeze(a: Any, axis: Any = None) -> Any:
    shape = shape_of(a)
    if not shape and axis is None:
        return a
    axes = [k for k, n in enumerate(shape) if n == 1] if axis is None else normalize_axis_tuple(axis, len(shape))
    if any(shape[k] != 1 for k in axes):
        raise ValueError(f"cannot squeeze axes {tuple(axes)} of an array of shape {shape}: not of length one{at_line()}")
    return getitem(a, tuple(0 if k in axes else slice(None) for k in range(len(shape))) + (Ellipsis,))


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    del subok
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    np.broadcast_to(np.broadcast_to(np.zeros(()), shape_of(array)), shape)  # NumPy's own error where it cannot
    return ops.broadcast_to(array, shape=shape)


@implements(np.broadcast_arrays, always=True)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    del subok
    shape = np.broadcast_shapes(*(shape_of(x) for x in args))
    return tuple(x if shape_of(x) == shape else broadcast_to(x, shape) for x in args)


def _at_least(n: int) -> Any:
    def rule(*arys: Any) -> Any:
        out = [_grown(as_array(x), n) for x in arys]
        return out[0] if len(out) == 1 else tuple(out)

    return rule


def _grown(x: Any, n: int) -> Any:
    have = ndim_of(x)
    if have >= n:
        return x
    shape = shape_of(x)
    if n == 3:
        return reshape(x, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[have])
    return reshape(x, (*(1,) * (n - have), *shape))


atleast_1d, atleast_2d, atleast_3d = _at_least(1), _at_least(2), _at_least(3)
implements(np.atleast_1d, always=True)(atleast_1d)
implements(np.atleast_2d, always=True)(atleast_2d)
implements(np.atleast_3d, always=True)(atleast_3d)


@implements(np.flip, always=True)
def flip(m: Any, axis: Any = None) -> Any:
    n = ndim_of(m)
    axes = range(n) if axis is None else normalize_axis_tuple(axis, n)
    return getitem(m, tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(n)))


implements(np.flipud, always=True)(lambda m: flip(m, 0))
implements(np.fliplr, always=True)(lambda m: flip(m, 1))


@implements(np.rot90, always=True)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    i, j = normalize_axis_tuple(axes, ndim_of(m))
    k %= 4
    if k == 0:
        return getitem(m, Ellipsis)
    if k == 2:
        return flip(m, (i, j))
    turned = swapaxes(flip(m, j), i, j) if k == 1 else flip(swapaxes(m, i, j), j)
    return turned


def _pieces(ary: Any, indices_or_sections: Any, axis: int, exact: bool) -> list[Any]:
    axis = normalize_axis_index(axis, ndim_of(ary))
    n = shape_of(ary)[axis]
    if isinstance(indices_or_sections, int | np.integer):
        count = int(indices_or_sections)
        if count <= 0 or (exact and n % count):
            raise ValueError(f"array split does not result in an equal division: {n} into {count}{at_line()}")
        sizes = [n // count + (k < n % count) for k in range(count)]
        cuts = list(np.cumsum(sizes)[:-1])
    else:
        cuts = list(indices_or_sections)
    head = (slice(None),) * axis
    edges = [0, *(int(c) for c in cuts), None]
    return [getitem(ary, (*head, slice(a, b))) for a, b in zip(edges, edges[1:], strict=False)]


implements(np.split, always=True)(lambda ary, indices_or_sections, axis=0: _pieces(ary, indices_or_sections, axis, True))
implements(np.array_split, always=True)(lambda ary, indices_or_sections, axis=0: _pieces(ary, indices_or_sections, axis, False))
implements(np.vsplit, always=True)(lambda ary, indices_or_sections: _pieces(ary, indices_or_sections, 0, True))
implements(np.hsplit, always=True)(
    lambda ary, indices_or_sections: _pieces(ary, indices_or_sections, 0 if ndim_of(ary) == 1 else 1, True)
)
implements(np.dsplit, always=True)(lambda ary, indices_or_sections: _pieces(ary, indices_or_sections, 2, True))
if hasattr(np, "unstack"):
    implements(np.unstack, always=True)(
        lambda x, /, *, axis=0: tuple(getitem(moveaxis(x, axis, 0), k) for k in range(shape_of(x)[axis]))
    )

# ---- joining


def concatenate(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Arrays joined along an axis they have."""
    del casting
    parts = [as_array(x) for x in (arrays if isinstance(arrays, list | tuple) else list(arrays))]
    if axis is None:
        parts, axis = [ravel(x) for x in parts], 0
    ndim = ndim_of(parts[0])
    if ndim == 0:
        raise ValueError(f"zero-dimensional arrays cannot be concatenated{at_line()}\n  write: np.stack or np.array([...])")
    axis = normalize_axis_index(axis, ndim)
    rest = {shape_of(x)[:axis] + shape_of(x)[axis + 1 :] for x in parts}
    if len(rest) != 1 or any(ndim_of(x) != ndim for x in parts):
        raise ShapeError(f"arrays of shapes {[shape_of(x) for x in parts]} cannot be joined along axis {axis}{at_line()}")
    y = ops.concatenate(*parts, axis=axis)
    if dtype is not None:
        y = y.astype(dtype)
    if out is not None:
        out[...] = y
        return out
    return y


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
    return concatenate([reshape(x, (-1, 1)) if ndim_of(x) < 2 else x for x in tup], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    depth, deepest = 0, arrays
    while isinstance(deepest, list):
        depth, deepest = depth + 1, deepest[0]
    ndim = max(depth, *(ndim_of(x) for x in _flatten(arrays)))

    def join(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            x = as_array(part)
            return ops.reshape(x, shape=(*(1,) * (ndim - ndim_of(x)), *shape_of(x)))
        return concatenate([join(p, level + 1) for p in part], level - depth)

    return join(arrays, 0)


def _flatten(part: Any) -> list[Any]:
    return [x for p in part for x in _flatten(p)] if isinstance(part, list) else [part]


# ---- gathers: functions that move elements


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


for _function in (np.roll, np.repeat, np.tile, np.resize):
    moves(_function)
for _function in (np.diagflat, np.tril, np.triu):
    moves(_function, fills=True)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    return gather(arr, np.delete(element_numbers(arr), obj, axis))


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    new = as_array(values).astype(dtype_of(arr))
    old = aval_of(arr).size
    numbers = np.insert(element_numbers(arr), obj, element_numbers(new, old), axis)
    return gather(concatenate([ravel(arr), ravel(new)]), numbers)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return gather(a, np.diagonal(element_numbers(a), offset, axis1, axis2))


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@implements(np.diag)
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
