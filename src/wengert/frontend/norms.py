"""numpy.linalg's norms on traced values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert.core.types import ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.linalg import floating, matrices
from wengert.frontend.tables import implements
from wengert.ops import singular
from wengert.ops.norms import euclidean
from wengert.ops.reduce import kept_shape
from wengert.ops.shape import reshape

Axes = tuple[int, ...]


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """Every norm of vectors and matrices that NumPy has.

    Where it has a kink or a cusp (the zero vector, an element that is zero for ord ≤ 1, a singular value
    that is zero for 'nuc', 2 and −2), the derivative 0 is taken for what is zero there.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> grad(np.linalg.norm)(np.array([3.0, 4.0])), grad(np.linalg.norm)(np.zeros(2))
        (array([0.6, 0.8]), array([0., 0.]))
    """
    x = floating(x, "np.linalg.norm")
    n = ndim_of(x)
    axes = tuple(range(n)) if axis is None else _axes(axis, n)
    if axis is None and ord is None:
        return euclidean(x, axes=axes, keepdims=bool(keepdims))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, bool(keepdims))
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, bool(keepdims))
    raise ValueError(
        f"Improper number of dimensions to norm: ord={ord!r} over {len(axes)} axes of an array of shape "
        f"{shape_of(x)}{at_line()}\n  write: axis= with one axis for vectors, two for matrices"
    )


def _axes(axis: Any, n: int) -> Axes:
    if not isinstance(axis, tuple):
        try:
            axis = (int(axis),)
        except (TypeError, ValueError):
            message = f"'axis' must be None, an integer or a tuple of integers, not {axis!r}{at_line()}"
            raise TypeError(message) from None
    axes = tuple(normalize_axis_index(k, n) for k in axis)
    if len(set(axes)) != len(axes):
        raise ValueError(f"Duplicate axes given: axis={axis}{at_line()}")
    return axes


def _vector_norm(x: Any, ord: Any, axes: Axes, keepdims: bool) -> Any:  # noqa: A002
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors{at_line()}\n  write: a number for ord, or a matrix")
    if ord is None or ord == 2:
        return euclidean(x, axes=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum((x != 0).astype(np.real(x).dtype), axis=axes, keepdims=keepdims)
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axes, keepdims=keepdims, initial=0.0)
    if ord == -np.inf:
        return np.min(size, axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axes, keepdims=keepdims)
    return _power(np.sum(_power(size, ord), axis=axes, keepdims=keepdims), 1.0 / ord)


def _power(x: Any, p: float) -> Any:
    """x^p for x ≥ 0, with the derivative 0 at 0 and at infinity."""
    zero, infinite = x == 0, x == np.inf
    with np.errstate(divide="ignore"):
        at_zero, at_infinity = float(np.power(0.0, p)), float(np.power(np.inf, p))
    inside = np.where(zero | infinite, 1.0, x) ** p
    return np.where(zero, at_zero, np.where(infinite, at_infinity, inside))


# the norms that singular values give
_SPECTRAL: dict[Any, Any] = {
    2: lambda s: np.max(s, axis=-1, initial=0.0),
    -2: lambda s: np.min(s, axis=-1),
    "nuc": lambda s: np.sum(s, axis=-1),
}


def _matrix_norm(x: Any, ord: Any, axes: Axes, keepdims: bool) -> Any:  # noqa: A002
    if ord in (None, "fro", "f"):
        return euclidean(x, axes=tuple(sorted(axes)), keepdims=keepdims)
    if ord in _SPECTRAL:
        value = _SPECTRAL[ord](singular.svdvals(np.moveaxis(x, axes, (-2, -1))))
    elif ord in (1, -1, np.inf, -np.inf):
        inner, outer = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=inner)
        outer -= outer > inner
        value = np.max(sums, axis=outer, initial=0.0) if ord > 0 else np.min(sums, axis=outer)
    else:
        raise ValueError(
            f"Invalid norm order for matrices: {ord!r}{at_line()}\n"
            "  write: 'fro', 'nuc', 1, -1, 2, -2, np.inf or -np.inf"
        )
    return reshape(value, shape=kept_shape(shape_of(x), axes)) if keepdims else value


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    """The norm of vectors, over any number of axes."""
    x = floating(x, "np.linalg.vector_norm")
    n = ndim_of(x)
    axes = tuple(range(n)) if axis is None else normalize_axis_tuple(axis, n)
    return _vector_norm(x, ord, tuple(sorted(axes)), bool(keepdims))


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    """The norm of the matrices in the last two axes."""
    x = matrices(x, "np.linalg.matrix_norm")
    return _matrix_norm(x, ord, (ndim_of(x) - 2, ndim_of(x) - 1), bool(keepdims))
