"""NumPy's functions that give views: reshape, transpose and basic indexing on the handle, so that writes go through."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.handles import attach, root_of
from wengert.core.trace import ArrayTracer, Constant, sample
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.asking import answer
from wengert.frontend.indexing import getitem
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array
from wengert.ops import elementwise
from wengert.ops import shape as ops
from wengert.ops.index import follow_layout


def reshape(a: Any, shape: Any = None, order: Any = "C", *, copy: Any = None) -> Any:
    """``a`` in another shape, row by row (or column by column for order 'F')."""
    x = as_array(a)
    if order != "C" or isinstance(copy, str):
        options: Any = {} if copy is None else {"copy": copy}
        np.reshape(np.zeros(()), (1,), order, **options)  # NumPy's own error
    if order != "C" and row_or_column(x, order) == "F":
        turned = reshape(transpose(x), tuple(reversed(wanted_shape(x, shape))), copy=copy)
        return transpose(turned)
    new = wanted_shape(x, shape)
    out = ops.reshape(x, shape=new)
    if isinstance(x, ArrayTracer) and not copy:
        shared = shares_memory(x, ("reshape", new))
        if shared is not False:
            attach(out, x, ("reshape" if shared else "unknown", new))
            return out
    return on_its_own(out) if isinstance(x, ArrayTracer) else out


def on_its_own(x: ArrayTracer) -> Any:
    """A reshape that is a copy: in memory of its own, row by row."""
    if type(x) is Constant:
        x.v = x.v.copy() if x.v.base is not None else x.v
        return x
    plain = layout(x)
    if plain is None or plain.flags.c_contiguous:
        return x
    own = elementwise.positive(x) if dtype_of(x).kind in "fc" else elementwise.cast(x, dtype=dtype_of(x))
    return lying(own, tuple(range(x.ndim)))


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
        return follow_layout(sample(root), chain)
    except TypeError:
        return None


def memory_order(x: Any) -> tuple[int, ...] | None:
    """The axes of ``x`` as they stand in memory, outermost first; None where that is not known."""
    plain = layout(x)
    return None if plain is None else tuple(sorted(range(plain.ndim), key=lambda k: -abs(plain.strides[k])))


def lying(x: Any, order: tuple[int, ...] | None) -> Any:
    """A fresh result ``x``, its axes in memory in another order: what reshapes of it share depends on that."""
    if order is None or len(order) < 2 or memory_order(x) == order:
        return x
    turned = ops.transpose(x, axes=order)
    shape = shape_of(turned)
    rows = ops.reshape(ops.reshape(turned, shape=(prod(shape),)), shape=shape)
    return ops.transpose(rows, axes=ops.inverse(order))


def wanted_shape(x: Any, shape: Any) -> tuple[int, ...]:
    """The shape asked for, with -1 filled in."""
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    have = shape_of(x)
    size = prod(have)
    try:
        return np.empty(have).reshape(shape).shape if size == 0 else _filled(size, shape)
    except ValueError:
        raise ValueError(f"cannot reshape an array of shape {have} ({size} elements) into {shape}{at_line()}") from None


def _filled(size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    known = prod(n for n in shape if n != -1)
    free = shape.count(-1)
    if free > 1 or known == 0 or (size % known if free else size != known):
        raise ValueError
    return tuple(size // known if n == -1 else n for n in shape)


def shares_memory(x: ArrayTracer, step: Any) -> bool | None:
    """Whether NumPy makes a view of ``x`` by this step: asked of a plain array that lies as ``x`` does.

    None where that is not known: while staging, of arrays with several axes.
    """
    base = layout(x)
    if base is None:
        root, chain = root_of(x)
        if root.ndim > 1:
            return None
        base = follow_layout(np.empty(root.shape), chain)
    return np.may_share_memory(follow_layout(base, (step,)), base)


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
    """All elements in one row: a view only where they lie one after another, unlike reshape."""
    x = as_array(a)
    flags = getattr(layout(x), "flags", None) if isinstance(x, ArrayTracer) else None
    asked = row_or_column(x, order)
    copy = flags is not None and not (flags.f_contiguous if asked == "F" else flags.c_contiguous)
    return reshape(x, (-1,) if x.size else (0,), asked, copy=copy)


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
    if axis is not None and type(axis) is not int:
        answer(np.squeeze, a, axis)
    axes = [k for k, n in enumerate(shape) if n == 1] if axis is None else normalize_axis_tuple(axis, len(shape))
    if any(shape[k] != 1 for k in axes):
        raise ValueError(
            f"cannot squeeze axes {tuple(axes)} of an array of shape {shape}: not of length one{at_line()}"
        )
    return getitem(a, (*(0 if k in axes else slice(None) for k in range(len(shape))), Ellipsis))


@implements(np.broadcast_to, always=True)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    del subok
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    np.broadcast_to(np.broadcast_to(np.zeros(()), shape_of(array)), shape)  # NumPy's own error where it cannot
    out = ops.broadcast_to(array, shape=shape)
    if isinstance(array, ArrayTracer):
        attach(out, array, ("broadcast", shape))
    return out


@implements(np.broadcast_arrays, always=True)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    del subok
    arrays = [x if (x := as_array(a)) is a or ndim_of(x) else ops.reshape(x, shape=()) for a in args]
    shape = np.broadcast_shapes(*(shape_of(x) for x in arrays))
    return tuple(x if shape_of(x) == shape else broadcast_to(x, shape) for x in arrays)


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
    return swapaxes(flip(m, j), i, j) if k == 1 else flip(swapaxes(m, i, j), j)


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
    edges = [0, *map(index, cuts), None]
    return [getitem(ary, (*head, slice(a, b))) for a, b in pairwise(edges)]


implements(np.split, always=True)(
    lambda ary, indices_or_sections, axis=0: _pieces(ary, indices_or_sections, axis, True)
)
implements(np.array_split, always=True)(
    lambda ary, indices_or_sections, axis=0: _pieces(ary, indices_or_sections, axis, False)
)
implements(np.vsplit, always=True)(
    lambda ary, indices_or_sections: _pieces(ary, indices_or_sections, 0 if ndim_of(ary) > 1 else 1, True)
)
implements(np.hsplit, always=True)(
    lambda ary, indices_or_sections: _pieces(ary, indices_or_sections, 0 if ndim_of(ary) == 1 else 1, True)
)
implements(np.dsplit, always=True)(lambda ary, indices_or_sections: _pieces(ary, indices_or_sections, 2, True))
if hasattr(np, "unstack"):
    implements(np.unstack, always=True)(
        lambda x, /, *, axis=0: tuple(getitem(moveaxis(x, axis, 0), k) for k in range(shape_of(x)[axis]))
    )
