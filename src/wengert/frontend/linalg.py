"""numpy.linalg on traced values: systems, inverses, determinants and products, made of the records of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError
from numpy.linalg._linalg import SlogdetResult

from wengert.core.trace import Tracer
from wengert.core.types import Aval, dtype_of, ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend import products
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array
from wengert.ops import determinants
from wengert.ops import linalg as ops
from wengert.ops.shape import broadcast_to, reshape

# ---- what goes in


def floating(x: Any, name: str) -> Any:
    """An array in a type that LAPACK knows: integers become float64."""
    x = as_array(x)
    if dtype_of(x).kind in "iub":
        return x.astype(np.float64)
    if dtype_of(x).char not in "fdFD":
        message = f"{name}: array type {dtype_of(x)} is unsupported in linalg{at_line()}"
        raise TypeError(message + "\n  write: x.astype(float)")
    return x


def matrices(a: Any, name: str) -> Any:
    """Matrices in the last two axes."""
    a = floating(a, name)
    if ndim_of(a) < 2:
        raise LinAlgError(
            f"{name}: {ndim_of(a)}-dimensional array given. Array must be at least two-dimensional "
            f"(shape {shape_of(a)}){at_line()}"
        )
    return a


def square(a: Any, name: str) -> Any:
    """Square matrices in the last two axes."""
    a = matrices(a, name)
    if shape_of(a)[-1] != shape_of(a)[-2]:
        raise LinAlgError(
            f"{name}: Last 2 dimensions of the array must be square, and the shape is {shape_of(a)}{at_line()}"
        )
    return a


def concrete(x: Any) -> np.ndarray[Any, Any] | None:
    """The numbers behind any tracing, for a batch all of them; None where only the type is known."""
    while isinstance(x, Tracer):
        x = x.v
    return None if isinstance(x, Aval) else np.asarray(x)


def finite(a: Any, name: str) -> Any:
    """A matrix without NaN and infinity, as far as it is known."""
    value = concrete(a)
    if value is not None and not np.isfinite(value).all():
        raise LinAlgError(f"{name}: Array must not contain infs or NaNs{at_line()}")
    return a


# ---- systems and inverses


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """X of A X = B. As in NumPy 2, ``b`` is a vector if it has one axis, and matrices otherwise."""
    a, b = square(a, "np.linalg.solve"), floating(b, "np.linalg.solve")
    n, vector = shape_of(a)[-1], ndim_of(b) == 1
    rows = shape_of(b)[0] if vector else shape_of(b)[-2] if ndim_of(b) else None
    if rows != n:
        raise ShapeError(
            f"np.linalg.solve: A has shape {shape_of(a)}, so b needs {n} rows, and it has shape {shape_of(b)}"
            f"{at_line()}\n  write: b of shape (n,) for one vector, (..., n, k) for k columns, and "
            "b[..., None] for a stack of vectors"
        )
    if not vector:
        _common_stack("np.linalg.solve", a, b)
        return ops.solve(a, b)
    x = ops.solve(a, reshape(b, shape=(n, 1)))
    return reshape(x, shape=shape_of(x)[:-1])


def _common_stack(name: str, a: Any, b: Any) -> None:
    try:
        np.broadcast_shapes(shape_of(a)[:-2], shape_of(b)[:-2])
    except ValueError:
        shapes = f"{shape_of(a)} and {shape_of(b)}"
        raise ShapeError(f"{name}: stacks of matrices of shapes {shapes} do not broadcast{at_line()}") from None


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """A⁻¹."""
    return ops.inv(square(a, "np.linalg.inv"))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x of ``tensordot(a, x, x.ndim) = b``."""
    a, b = as_array(a), as_array(b)
    if axes is not None:
        a = np.moveaxis(a, axes, range(ndim_of(a) - len(axes), ndim_of(a)))
    shape = shape_of(a)[ndim_of(b) :]
    n = int(np.prod(shape, dtype=np.int64))
    if int(np.prod(shape_of(b), dtype=np.int64)) != n:
        raise LinAlgError(
            f"np.linalg.tensorsolve: a of shape {shape_of(a)} and b of shape {shape_of(b)} do not give a "
            f"square system{at_line()}"
        )
    return np.reshape(solve(np.reshape(a, (n, n)), np.reshape(b, (n,))), shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse for tensordot over ``ind`` axes."""
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv: Invalid ind argument, {ind}{at_line()}\n  write: ind=1 or more")
    a = as_array(a)
    rows, columns = shape_of(a)[:ind], shape_of(a)[ind:]
    n = int(np.prod(columns, dtype=np.int64))
    return np.reshape(inv(np.reshape(a, (-1, n))), (*columns, *rows))


# ---- determinants


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant, differentiable to every order, at singular matrices too.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> grad(np.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]]))
        array([[ 4., -2.],
               [-2.,  1.]])
    """
    return determinants.det(square(a, "np.linalg.det"))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """The sign of det A, and ln|det A|; at singular matrices the derivative raises LinAlgError."""
    return SlogdetResult(*determinants.slogdet(square(a, "np.linalg.slogdet")))


# ---- products


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """Aⁿ by repeated squaring; A⁻¹ for negative n."""
    a = square(a, "np.linalg.matrix_power")
    if not isinstance(n, int | np.integer):
        raise TypeError(f"exponent must be an integer, not {n!r}{at_line()}")
    if n == 0:
        return broadcast_to(np.eye(shape_of(a)[-1], dtype=dtype_of(a)), shape=shape_of(a))
    base, rest, result = (inv(a) if n < 0 else a), abs(int(n)), None
    while True:
        if rest % 2:
            result = base if result is None else result @ base
        rest //= 2
        if not rest:
            return result
        base = base @ base


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """The product of several matrices, in the order that takes the fewest multiplications."""
    parts = [as_array(x) for x in arrays]
    if len(parts) < 2:
        raise ValueError(f"np.linalg.multi_dot: Expecting at least two arrays, got {len(parts)}{at_line()}")
    row, column = ndim_of(parts[0]) == 1, ndim_of(parts[-1]) == 1
    if row:
        parts[0] = np.reshape(parts[0], (1, -1))
    if column:
        parts[-1] = np.reshape(parts[-1], (-1, 1))
    _refuse_chain(parts)
    sizes = [*(shape_of(x)[0] for x in parts), shape_of(parts[-1])[1]]
    value = _chain(parts, _splits(sizes), 0, len(parts) - 1)
    value = value[0] if row else value
    value = value[..., 0] if column else value
    return value if out is None else into(out, value)


def _refuse_chain(parts: Sequence[Any]) -> None:
    shapes = [shape_of(x) for x in parts]
    if any(len(s) != 2 for s in shapes):
        raise LinAlgError(
            "np.linalg.multi_dot: arrays must be two-dimensional (the first and the last may have one axis), "
            f"and the shapes are {shapes}{at_line()}"
        )
    if any(s[1] != t[0] for s, t in pairwise(shapes)):
        raise ShapeError(f"np.linalg.multi_dot: shapes {shapes} do not chain{at_line()}")


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each run of factors (Cormen et al., "Introduction to Algorithms", matrix chains)."""
    n = len(sizes) - 1
    cost: dict[tuple[int, int], int] = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def _chain(parts: Sequence[Any], splits: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return parts[i]
    k = splits[i, j]
    return _chain(parts, splits, i, k) @ _chain(parts, splits, k + 1, j)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The vector product of three-component vectors along an axis."""
    lengths = shape_of(as_array(x1))[axis], shape_of(as_array(x2))[axis]
    if lengths != (3, 3):
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{lengths[0]} and {lengths[1]} dimensional instead.{at_line()}"
        )
    return products.cross(x1, x2, axis=axis)
